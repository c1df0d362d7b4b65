package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/penstock-ml/penstock/storage"
)

// readOnBytes is what is asked for at first beyond the end of a range, where
// only the rest of one record is wanted; if it is long, twice as much each time.
const readOnBytes = 64 << 10

// rangeReader reads a file from an offset to its end. It asks storage for the
// range first and for what follows only when read beyond it.
type rangeReader struct {
	ctx  context.Context
	file string
	at   int64 // of the next byte
	end  int64 // of the part that is open or, while none is, that will be
	size int64 // of the file
	more int64 // what to ask for beyond the end
	part io.ReadCloser
}

func openRange(ctx context.Context, r Range, at int64) (*rangeReader, error) {
	s := &rangeReader{ctx: ctx, file: r.File, at: at, end: r.End, size: r.Size, more: readOnBytes}
	return s, s.open()
}

// open opens the part [at, end).
func (s *rangeReader) open() (err error) {
	s.part, err = storage.Open(s.ctx, s.file, s.at, s.end-s.at)
	return err
}

func (s *rangeReader) Read(p []byte) (int, error) {
	if s.at >= s.size {
		return 0, io.EOF
	}
	if s.at >= s.end {
		if err := s.readOn(); err != nil {
			return 0, err
		}
	}
	n, err := s.part.Read(p)
	s.at += int64(n)
	if err == io.EOF {
		err = nil
		if n == 0 && s.at < s.end {
			err = fmt.Errorf("%s: the file ends at byte %d but had %d when the job began: do not change files while they are read",
				s.file, s.at, s.size)
		}
	}
	return n, err
}

// readOn opens the part that follows the present one.
func (s *rangeReader) readOn() error {
	if err := s.Close(); err != nil {
		return err
	}
	s.end = min(s.at+s.more, s.size)
	s.more *= 2
	return s.open()
}

func (s *rangeReader) Close() error {
	if s.part == nil {
		return nil
	}
	part := s.part
	s.part = nil
	return part.Close()
}

// gzipReader expands a whole file, all of its members.
type gzipReader struct {
	*gzip.Reader
	file       string
	compressed io.Closer
}

// expand reads compressed bytes. A file without a byte has no members, which is
// no error: an empty file has no records.
func expand(compressed io.ReadCloser, r Range) (io.ReadCloser, error) {
	if r.Size == 0 {
		return compressed, nil
	}
	z, err := gzip.NewReader(compressed)
	if err != nil {
		compressed.Close()
		return nil, gzipError(r.File, err)
	}
	return &gzipReader{Reader: z, file: r.File, compressed: compressed}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = gzipError(g.file, err)
	}
	return n, err
}

func (g *gzipReader) Close() error { return g.compressed.Close() }

// gzipError says what is wrong with a compressed file.
func gzipError(file string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%s: the gzip data is truncated: make the file again: %w", file, io.ErrUnexpectedEOF)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("%s: the gzip data is damaged: make the file again: %w", file, err)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// LineAt returns the number, from 1, of the line that holds the byte at an
// offset of a file (of its expanded bytes where it is compressed). It reads
// the file up to there, so it is for messages only.
func LineAt(ctx context.Context, file string, offset int64) (int64, error) {
	r, err := Whole(ctx, file)
	if err != nil {
		return 0, err
	}
	source, err := openSource(ctx, r, 0)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	var newlines newlineCounter
	if _, err := io.CopyN(&newlines, source, offset); err != nil && err != io.EOF {
		return 0, err
	}
	return 1 + int64(newlines), nil
}

// Bytes opens a file from its beginning, expanded where it is compressed.
func Bytes(ctx context.Context, file string) (io.ReadCloser, error) {
	r, err := Whole(ctx, file)
	if err != nil {
		return nil, err
	}
	return openSource(ctx, r, 0)
}

// Whole returns the range of a whole file.
func Whole(ctx context.Context, file string) (Range, error) {
	info, err := storage.Stat(ctx, file)
	return Range{File: file, Size: info.Size, End: info.Size, Compressed: compressed(file)}, err
}

// newlineCounter counts the newlines that are written to it.
type newlineCounter int64

func (c *newlineCounter) Write(p []byte) (int, error) {
	*c += newlineCounter(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// openSource returns the bytes of a file from an offset on, expanded where they
// are compressed. Expanded bytes before the offset are read and dropped.
func openSource(ctx context.Context, r Range, offset int64) (io.ReadCloser, error) {
	if !r.Compressed {
		return openRange(ctx, r, offset)
	}
	stored, err := openRange(ctx, r, 0)
	if err != nil {
		return nil, err
	}
	source, err := expand(stored, r)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, source, offset); err != nil {
		source.Close()
		return nil, err
	}
	return source, nil
}
