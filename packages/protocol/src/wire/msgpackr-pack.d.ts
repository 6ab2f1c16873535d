/** msgpackr without its native loader, which no bundle can use. The package's own types of this entry do not resolve. */
declare module 'msgpackr/pack' {
  export { Packr } from 'msgpackr';
}
