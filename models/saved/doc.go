// Package saved is the form of models and of training runs at rest: on disk and
// on Cloud Storage, in directories that a MANIFEST.json commits.
//
//	JOB_DIR/
//	  features/                     features.json: WriteFeatures, ReadFeatures
//	  checkpoints/step-000001000/   tensors.safetensors, meta.json: WriteCheckpoint, LatestCheckpoint
//	  export/NAME/UNIX_SECONDS/     model.yaml, features/, weights.safetensors: WriteExport, Locate, ReadExport
//
// A directory exists only through its MANIFEST.json, which is written last and
// holds the size and the SHA-256 of every other file. Readers verify all of it,
// so a directory half written, half deleted or damaged reads as absent, with an
// error (see [ErrNotCommitted]) that names the file that is wrong. On disk a
// directory is moreover made under another name and renamed into place.
//
// Weights are safetensors files (https://github.com/huggingface/safetensors):
// float32, sorted by name, without metadata, hence equal bytes for equal weights.
package saved
