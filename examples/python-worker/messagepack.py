"""The part of MessagePack that a worker needs: docs/wire-protocol.md, appendix B."""
import struct

CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
NUMBERS = {0xCC: '>B', 0xCD: '>H', 0xCE: '>I', 0xCF: '>Q', 0xD0: '>b', 0xD1: '>h', 0xD2: '>i', 0xD3: '>q',
           0xCA: '>f', 0xCB: '>d'}
# Types with a length field, and its size in bytes. Binary and extension types are for fields of later versions.
SIZED = {0xD9: ('text', 1), 0xDA: ('text', 2), 0xDB: ('text', 4), 0xDC: ('list', 2), 0xDD: ('list', 4),
         0xDE: ('map', 2), 0xDF: ('map', 4), 0xC4: ('bytes', 1), 0xC5: ('bytes', 2), 0xC6: ('bytes', 4),
         0xC7: ('extension', 1), 0xC8: ('extension', 2), 0xC9: ('extension', 4)}
EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


def encode(value):
    """The bytes of an unsigned integer, a str, a list or a dict of these."""
    if isinstance(value, int):
        return bytes([value]) if value < 128 else struct.pack('>BQ', 0xCF, value)
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xA0 | len(data)]) if len(data) < 32 else struct.pack('>BH', 0xDA, len(data))) + data
    if isinstance(value, list):
        return struct.pack('>BH', 0xDC, len(value)) + b''.join(map(encode, value))
    return struct.pack('>BH', 0xDE, len(value)) + b''.join(encode(part) for pair in value.items() for part in pair)


def decode(data):
    """The value in these bytes. Raises ValueError if they are not exactly one MessagePack value."""
    try:
        value, end = _read(data, 0)
    except (IndexError, struct.error, RecursionError) as error:
        raise ValueError('ends too early, or is nested too deep') from error
    if end != len(data):
        raise ValueError('something stands behind the value')
    return value


def _read(data, at):
    first, at = data[at], at + 1
    if first <= 0x7F or first >= 0xE0:
        return first - (256 if first >= 0xE0 else 0), at
    if first <= 0x8F:
        return _read_sized(data, at, 'map', first & 15)
    if first <= 0xBF:
        return _read_sized(data, at, 'text', first & 31) if first >= 0xA0 else _read_sized(data, at, 'list', first & 15)
    if first in CONSTANTS:
        return CONSTANTS[first], at
    if first in NUMBERS:
        return struct.unpack_from(NUMBERS[first], data, at)[0], at + struct.calcsize(NUMBERS[first])
    if first in EXTENSIONS:
        return _read_sized(data, at, 'extension', EXTENSIONS[first])
    if first not in SIZED:
        raise ValueError(f'0x{first:x} is no format of MessagePack')
    kind, width = SIZED[first]
    return _read_sized(data, at + width, kind, int.from_bytes(data[at:at + width], 'big'))


def _read_sized(data, at, kind, length):
    if kind in ('list', 'map'):
        items = []
        for _ in range(length * (2 if kind == 'map' else 1)):
            item, at = _read(data, at)
            items.append(item)
        return (dict(zip(items[::2], items[1::2])) if kind == 'map' else items), at
    end = at + length + (1 if kind == 'extension' else 0)
    if end > len(data):
        raise ValueError('ends too early')
    return (data[at:end].decode() if kind == 'text' else data[at:end]), end
