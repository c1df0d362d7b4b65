package plan

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/ops"
)

// A Block is a part of the dense parameters' vector: some small parameters, or
// some rows and columns of a large one.
type Block struct {
	Len   int   // floats
	Runs  []Run // where they lie in the vector
	parts []part
}

// A Run is floats of a block that are neighbours in the dense parameters' vector, too.
type Run struct {
	Offset int // in the vector
	At     int // in the block
	Len    int
}

// A part is rows and columns of one parameter.
type part struct {
	param         int // among the dense ones
	rows, columns ops.Range
}

func (p *part) floats() int { return p.rows.Len() * p.columns.Len() }

// A block of all shards' gradients should fit into the second cache together with
// what it is made of, and there should be enough blocks to share among cores; but
// each costs a few calls a shard, and the products that make it should not be thin.
const (
	fewestFloats = 4 << 10
	mostFloats   = 8 << 10
	enoughBlocks = 16
	mostColumns  = 128
	tileRows     = 8 // that products compute at once
)

// blocks cuts the dense parameters, in order; a large one column after column, so
// that neighbours need the same columns of a layer's gradient.
func blocks(a *models.Arrangement) []Block {
	size := min(max(a.Dense/enoughBlocks, fewestFloats), mostFloats)
	var list []Block
	for i := range a.Params {
		p := &a.Params[i]
		if p.Sparse {
			break // the dense ones come first
		}
		rows, width := p.Shape[0], p.Size()/p.Shape[0]
		if p.Size() <= size {
			list = add(list, size, p, part{i, ops.Range{From: 0, To: rows}, ops.Range{From: 0, To: width}})
			continue
		}
		columns := min(width, mostColumns)
		step := max(size/columns/tileRows, 1) * tileRows
		for left := 0; left < width; left += columns {
			for from := 0; from < rows; from += step {
				list = add(list, size, p, part{i, ops.Range{From: from, To: min(from+step, rows)}, ops.Range{From: left, To: min(left+columns, width)}})
			}
		}
	}
	return list
}

// add puts a part into the last block, or a new one where that would be too
// large.
func add(list []Block, size int, of *models.Placed, p part) []Block {
	if n := len(list); n == 0 || list[n-1].Len+p.floats() > size {
		list = append(list, Block{})
	}
	list[len(list)-1].add(of, p)
	return list
}

// add adds a part, whose rows are one run where it has all columns.
func (b *Block) add(of *models.Placed, p part) {
	width := of.Size() / of.Shape[0]
	b.parts = append(b.parts, p)
	rows, length := p.rows.Len(), p.columns.Len()
	if length == width {
		rows, length = 1, p.floats()
	}
	for i := range rows {
		b.Runs = append(b.Runs, Run{Offset: of.Offset + (p.rows.From+i)*width + p.columns.From, At: b.Len, Len: length})
		b.Len += length
	}
}
