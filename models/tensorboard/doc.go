// Package tensorboard writes event files that TensorBoard reads.
//
//	w, err := tensorboard.NewWriter(file, start)
//	err = w.Scalar(step, "loss", 0.31, now)
//
// An event file is a sequence of records framed as TFRecords, each holding an
// Event protocol buffer (tensorflow/core/util/event.proto):
//
//	uint64 length of data, uint32 masked CRC-32C of those 8 bytes,
//	data, uint32 masked CRC-32C of data          all little-endian
//
// The first record names the version of the format. TensorBoard reads all event
// files of a directory in the order of their names, so a run may write one for
// each of its segments; see [FileName].
package tensorboard
