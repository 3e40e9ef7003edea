// The version of this package, as written into the files it makes.

/** `major.minor.patch`. Stated here and not read from package.json, as it is asked for in browsers too; a test holds the two together. */
export const packageVersion = '0.1.0';
