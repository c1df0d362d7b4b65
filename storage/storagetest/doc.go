// Package storagetest serves Cloud Storage inside a test's process.
package storagetest
