/** The version of this package, and of all packages of the project, which are released together. */
export const VERSION = '0.0.0';
