package training

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"sync"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
)

// blockRows is how many encoded rows are stored, and reckoned against the budget, at a time.
const blockRows = 4096

// cache keeps the encoded rows of shards: in memory while the budget lasts, beyond it in a temporary file. Where rows
// lie changes how long a step takes and nothing else.
type cache struct {
	format  records.Format
	encoder func() (*features.Encoder, error)
	layout  *features.Layout

	mu     sync.Mutex
	budget int64 // bytes left
	shards map[int]*cachedShard
}

// cachedShard is one shard's rows and their order in the current epoch. Its mutex is held while rows are gathered: two
// attempts at the same shard may run at once.
type cachedShard struct {
	mu    sync.Mutex
	rows  *rowStore
	order order
}

// rowStore is a sequence of encoded rows.
type rowStore struct {
	numerics, ids int
	blocks        []*features.Rows
	file          *os.File // nil while all rows are in memory; else it has them all
	buffer        []byte   // one row of the file
}

// shard returns the entry of s, with its rows read.
func (c *cache) shard(ctx context.Context, s Shard) (*cachedShard, error) {
	c.mu.Lock()
	entry, ok := c.shards[s.Index]
	if !ok {
		entry = &cachedShard{}
		c.shards[s.Index] = entry
	}
	c.mu.Unlock()
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.rows != nil {
		return entry, nil
	}
	rows, err := c.read(ctx, s)
	if err != nil {
		return nil, err
	}
	entry.rows = rows
	return entry, nil
}

// reserve takes n bytes of the budget if they are left.
func (c *cache) reserve(n int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > c.budget {
		return false
	}
	c.budget -= n
	return true
}

// release gives n bytes back.
func (c *cache) release(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.budget += n
}

// read decodes and encodes all records of a shard.
func (c *cache) read(ctx context.Context, s Shard) (*rowStore, error) {
	encoder, err := c.encoder()
	if err != nil {
		return nil, err
	}
	store := &rowStore{numerics: len(c.layout.Numeric), ids: len(c.layout.Categorical)}
	block := &features.Rows{}
	for _, part := range s.Parts {
		if err := c.readPart(ctx, part, encoder, store, &block); err != nil {
			return nil, err
		}
	}
	return store, c.keep(store, block)
}

func (c *cache) readPart(ctx context.Context, p Part, encoder *features.Encoder, store *rowStore, block **features.Rows) error {
	scanner, err := records.OpenAt(ctx, c.format, p.Range, p.Offset)
	if err != nil {
		return err
	}
	defer scanner.Close()
	for i := 0; i < p.Skip+p.Rows; i++ {
		if !scanner.Scan() {
			if scanner.Err() != nil {
				return scanner.Err()
			}
			return fmt.Errorf("%s: fewer records than when it was analysed: a training file must not change during a run", p.Range.File)
		}
		if i < p.Skip {
			continue
		}
		record := scanner.Record()
		err := record.Err
		if err == nil {
			err = encoder.Append(*block, record.Fields)
		}
		if err != nil {
			return fmt.Errorf("%s, record at byte %d: %w", p.Range.File, record.Offset, err)
		}
		if (*block).N == blockRows {
			if err := c.keep(store, *block); err != nil {
				return err
			}
			*block = &features.Rows{}
		}
	}
	return ctx.Err()
}

// keep adds a block to the store, in memory if the budget allows; a store that has begun a file keeps everything there.
func (c *cache) keep(store *rowStore, block *features.Rows) error {
	size := int64(block.N * store.stride())
	if store.file == nil && c.reserve(size) {
		store.blocks = append(store.blocks, block)
		return nil
	}
	if store.file == nil {
		if err := c.spill(store); err != nil {
			return err
		}
	}
	return store.write(block)
}

// spill moves what a store has in memory to a temporary file, which has no name and so goes with the process.
func (c *cache) spill(store *rowStore) error {
	file, err := os.CreateTemp("", "penstock-rows-*")
	if err != nil {
		return fmt.Errorf("spill encoded rows beyond --cache-mb: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("spill encoded rows beyond --cache-mb: %w", err)
	}
	store.file, store.buffer = file, make([]byte, store.stride())
	for _, block := range store.blocks {
		if err := store.write(block); err != nil {
			return err
		}
		c.release(int64(block.N * store.stride()))
	}
	store.blocks = nil
	return nil
}

// stride is the bytes of a row: numerics, ids, label and weight, four bytes each.
func (s *rowStore) stride() int { return 4 * (s.numerics + s.ids + 2) }

func (s *rowStore) write(block *features.Rows) error {
	data := make([]byte, 0, block.N*s.stride())
	for i := range block.N {
		data = appendFloats(data, block.Numeric[i*s.numerics:(i+1)*s.numerics])
		data = appendInts(data, block.IDs[i*s.ids:(i+1)*s.ids])
		data = appendFloats(data, block.Labels[i:i+1])
		data = appendFloats(data, block.Weights[i:i+1])
	}
	if _, err := s.file.Write(data); err != nil {
		return fmt.Errorf("spill encoded rows beyond --cache-mb: %w", err)
	}
	return nil
}

// gather copies the rows of the given numbers to the front of dst.
func (s *rowStore) gather(dst *features.Rows, rows []int32) error {
	if s.file != nil {
		return s.gatherFile(dst, rows)
	}
	for i, row := range rows {
		block, j := s.blocks[row/blockRows], int(row%blockRows)
		copy(dst.Numeric[i*s.numerics:(i+1)*s.numerics], block.Numeric[j*s.numerics:])
		copy(dst.IDs[i*s.ids:(i+1)*s.ids], block.IDs[j*s.ids:])
		dst.Labels[i], dst.Weights[i] = block.Labels[j], block.Weights[j]
	}
	return nil
}

func (s *rowStore) gatherFile(dst *features.Rows, rows []int32) error {
	for i, row := range rows {
		if _, err := s.file.ReadAt(s.buffer, int64(row)*int64(s.stride())); err != nil {
			return fmt.Errorf("read spilled rows: %w", err)
		}
		words := s.buffer
		for j := range s.numerics {
			dst.Numeric[i*s.numerics+j] = math.Float32frombits(binary.NativeEndian.Uint32(words[4*j:]))
		}
		words = words[4*s.numerics:]
		for j := range s.ids {
			dst.IDs[i*s.ids+j] = int32(binary.NativeEndian.Uint32(words[4*j:]))
		}
		words = words[4*s.ids:]
		dst.Labels[i] = math.Float32frombits(binary.NativeEndian.Uint32(words))
		dst.Weights[i] = math.Float32frombits(binary.NativeEndian.Uint32(words[4:]))
	}
	return nil
}

// The file never leaves the process, so it has the machine's own byte order.
func appendFloats(data []byte, x []float32) []byte {
	for _, v := range x {
		data = binary.NativeEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func appendInts(data []byte, x []int32) []byte {
	for _, v := range x {
		data = binary.NativeEndian.AppendUint32(data, uint32(v))
	}
	return data
}
