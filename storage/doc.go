// Package storage reads and writes whole files on disk and on Google Cloud
// Storage through one set of functions. A path that begins with "gs://" names
// an object (gs://bucket/name); every other path is local.
//
// Call Open for a byte range, ReadFile and WriteFile for small files, Create
// for large ones, and WriteDir for a directory that must appear whole.
//
// # Writes
//
// A file appears whole or not at all. On disk it is written under a random
// name beside its final one, synced, renamed, and its directory synced; a
// crash leaves at most a file whose name begins with ".penstock-tmp-", which
// List and Glob never show. On Cloud Storage an object appears when its writer
// is closed. WriteFileIf and DeleteIf change a file of a known generation alone:
// they are what racing processes need to agree on one winner.
//
// # Errors
//
// Every error names the path. An absent file satisfies
// errors.Is(err, fs.ErrNotExist) on both, a lost WriteFileIf
// errors.Is(err, ErrPrecondition).
//
// # Cloud Storage
//
// One client serves the process; it is made on first use with the
// application's default credentials and retries by itself until the context
// ends. With STORAGE_EMULATOR_HOST set it talks to that host without
// credentials.
package storage
