// Package registry keeps models between training and use, in a directory on disk
// or on Cloud Storage:
//
//	REGISTRY/NAME/model.json           description, labels, time; that the model exists
//	REGISTRY/NAME/default.json         which version the name alone stands for
//	REGISTRY/NAME/versions/VERSION/    a committed directory: an export, and version.json
//
// A version is written whole or not at all and never changes. What does change is
// one small file, default.json, which is replaced only in the state in which it
// was read, so that of two who change it at the same time one is told. A version
// is noted there before it is deleted, so that it cannot become the default
// meanwhile.
package registry
