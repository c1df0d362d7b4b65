package training

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/kernel"
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
	holdout Holdout
	bad     bool // some records cannot be used

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

// rowStore is a sequence of encoded rows. A row is one run of words, so that gathering it touches few cache lines: the
// numerics, the ids, the label and the weight.
type rowStore struct {
	numerics, ids int
	blocks        [][]uint32
	file          *os.File // nil while all rows are in memory; else it has them all
	row           []uint32 // one row of the file
}

// newRowStore makes an empty store for rows of a layout.
func newRowStore(l *features.Layout) *rowStore {
	return &rowStore{numerics: len(l.Numeric), ids: len(l.Categorical)}
}

// words is the length of a row.
func (s *rowStore) words() int { return s.numerics + s.ids + 2 }

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
	store, rows := newRowStore(c.layout), &features.Rows{}
	for _, part := range s.Parts {
		if err := c.readPart(ctx, part, encoder, store, rows); err != nil {
			return nil, err
		}
	}
	return store, c.keep(store, rows)
}

// readPart encodes the records of a part into rows, which are kept whenever a block is full.
func (c *cache) readPart(ctx context.Context, p Part, encoder *features.Encoder, store *rowStore, rows *features.Rows) error {
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
			err = encoder.Append(rows, record.Fields)
		}
		switch {
		case err != nil && c.bad:
			rows.AppendEmpty(c.layout)
		case err != nil:
			return records.Place(ctx, p.Range.File, record.Offset, err)
		case c.holdout.Has(record.Raw):
			rows.Weights[rows.N-1] = 0
		}
		if rows.N == blockRows {
			if err := c.keep(store, rows); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// keep moves rows to the store, into memory if the budget allows; a store that has begun a file keeps everything there.
func (c *cache) keep(store *rowStore, rows *features.Rows) error {
	block := store.pack(rows)
	rows.Reset()
	if store.file == nil && c.reserve(size(block)) {
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
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return fmt.Errorf("spill encoded rows beyond --cache-mb: %w", err)
	}
	store.file, store.row = file, make([]uint32, store.words())
	for _, block := range store.blocks {
		if err := store.write(block); err != nil {
			return err
		}
		c.release(size(block))
	}
	store.blocks = nil
	return nil
}

// pack copies rows into a block.
func (s *rowStore) pack(rows *features.Rows) []uint32 {
	block := make([]uint32, rows.N*s.words())
	for i := range rows.N {
		row := block[i*s.words():][:s.words()]
		for j, x := range rows.Numeric[i*s.numerics:][:s.numerics] {
			row[j] = math.Float32bits(x)
		}
		row = row[s.numerics:]
		for j, id := range rows.IDs[i*s.ids:][:s.ids] {
			row[j] = uint32(id)
		}
		row[s.ids], row[s.ids+1] = math.Float32bits(rows.Labels[i]), math.Float32bits(rows.Weights[i])
	}
	return block
}

func (s *rowStore) write(block []uint32) error {
	// The file never leaves the process, so it has the machine's own byte order.
	if _, err := s.file.Write(bytesOf(block)); err != nil {
		return fmt.Errorf("spill encoded rows beyond --cache-mb: %w", err)
	}
	return nil
}

// gather copies the rows of the given numbers to the front of dst. Rows lie anywhere in memory: those that will be gathered
// next, if known, are asked for, and so are the present ones, which have left the first cache since.
func (s *rowStore) gather(dst *features.Rows, rows, next []int32) error {
	if s.file != nil {
		return s.gatherFile(dst, rows)
	}
	for _, number := range rows {
		kernel.Prefetch(s.inMemory(number))
	}
	for i, number := range rows {
		s.unpack(dst, i, s.inMemory(number))
	}
	for _, number := range next {
		kernel.Prefetch(s.inMemory(number))
	}
	return nil
}

func (s *rowStore) gatherFile(dst *features.Rows, rows []int32) error {
	for i, number := range rows {
		if _, err := s.file.ReadAt(bytesOf(s.row), int64(number)*size(s.row)); err != nil {
			return fmt.Errorf("read spilled rows: %w", err)
		}
		s.unpack(dst, i, s.row)
	}
	return nil
}

// inMemory is the row of a number.
func (s *rowStore) inMemory(number int32) []uint32 {
	at := int(number%blockRows) * s.words()
	return s.blocks[number/blockRows][at : at+s.words()]
}

// unpack makes row the i-th of dst.
func (s *rowStore) unpack(dst *features.Rows, i int, row []uint32) {
	numeric := dst.Numeric[i*s.numerics : (i+1)*s.numerics]
	for j := range numeric {
		numeric[j] = math.Float32frombits(row[j])
	}
	row = row[s.numerics:]
	ids := dst.IDs[i*s.ids : (i+1)*s.ids]
	for j := range ids {
		ids[j] = int32(row[j])
	}
	dst.Labels[i] = math.Float32frombits(row[s.ids])
	dst.Weights[i] = math.Float32frombits(row[s.ids+1])
}

// size is the bytes of a block or row.
func size(block []uint32) int64 { return 4 * int64(len(block)) }
