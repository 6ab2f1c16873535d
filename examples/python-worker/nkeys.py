"""The part of NKEYs that a worker needs: signing the server's nonce with a user's seed (Ed25519, RFC 8032).

A program with a package index at hand should use a library for this, which is faster and hides its timing.
"""
import base64
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P
SEED, USER = 18 << 3, 20 << 3  # prefix bytes, which give the letters S and U


def read_creds(path):
    """The JWT and the seed of a `.creds` file. Raises OSError or ValueError."""
    with open(path, encoding='ascii') as file:
        lines = [line.strip() for line in file]
    blocks = [lines[at + 1] for at, line in enumerate(lines[:-1]) if line.startswith('-----BEGIN')]
    if len(blocks) != 2:
        raise ValueError(f'{path} is no credentials file: it needs a JWT and a seed')
    return blocks[0], blocks[1]


def read_seed(path):
    """The seed in a file, which may have comments around it. Raises OSError or ValueError."""
    with open(path, encoding='ascii') as file:
        for line in file:
            if line.startswith('SU'):
                return line.strip()
    raise ValueError(f'{path} has no seed of a user, which begins with SU')


def public_key(seed):
    """The public NKEY of a user's seed."""
    raw = bytes([USER]) + _public(_expand(_raw_seed(seed))[0])
    return base64.b32encode(raw + _checksum(raw)).decode().rstrip('=')


def sign(seed, nonce):
    """The signature of the nonce, as CONNECT wants it: base64url without padding."""
    scalar, prefix = _expand(_raw_seed(seed))
    public = _public(scalar)
    r = _number(hashlib.sha512(prefix + nonce).digest()) % ORDER
    point = _compress(_multiply(r, _base()))
    s = (r + _number(hashlib.sha512(point + public + nonce).digest()) * scalar) % ORDER
    return base64.urlsafe_b64encode(point + s.to_bytes(32, 'little')).decode().rstrip('=')


def _raw_seed(seed):
    data = base64.b32decode(seed + '=' * (-len(seed) % 8))
    if len(data) != 36 or data[0] & 0xF8 != SEED or _checksum(data[:-2]) != data[-2:]:
        raise ValueError('this is no seed of NATS')
    return data[2:-2]


def _checksum(data):
    """CRC-16/XMODEM, little-endian."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, 'little')


def _expand(seed):
    digest = hashlib.sha512(seed).digest()
    return _number(digest[:32]) & (1 << 254) - 8 | 1 << 254, digest[32:]


def _number(data):
    return int.from_bytes(data, 'little')


def _public(scalar):
    return _compress(_multiply(scalar, _base()))


# Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x * y = T/Z.

def _base():
    square = (BASE_Y * BASE_Y - 1) * pow(D * BASE_Y * BASE_Y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x % 2 else x
    return x, BASE_Y, 1, x * BASE_Y % P


def _add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result


def _compress(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, 'little')
