package plan

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/ops"
)

// A Block is a part of the gradient with respect to the dense parameters: some
// small parameters, or some rows and columns of a large one.
type Block struct {
	Len   int       // floats
	parts ops.Range // in the division
}

// A part is rows and columns of one parameter, among those in its support.
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
	mostColumns  = 112
	tileRows     = 8 // that products compute at once
)

// longestBlock bounds the floats of a block.
func longestBlock(a *models.Arrangement) int {
	return min(max(a.Dense/enoughBlocks, fewestFloats), mostFloats)
}

// A division cuts the dense parameters into blocks.
type division struct {
	parts  []part
	blocks []Block
	size   int // of a block at most
}

// cut takes the supports in order; a large one column after column, so that
// neighbours need the same columns of a layer's gradient. It uses the memory of the
// last division.
func (d *division) cut(supports []support, size int) {
	d.parts, d.blocks, d.size = d.parts[:0], d.blocks[:0], size
	for i := range supports {
		rows, width := supports[i].rows.n(), supports[i].columns.n()
		if rows*width <= size {
			d.add(part{i, ops.Range{From: 0, To: rows}, ops.Range{From: 0, To: width}})
			continue
		}
		columns := min(width, mostColumns)
		step := max(size/columns/tileRows, 1) * tileRows
		for left := 0; left < width; left += columns {
			for from := 0; from < rows; from += step {
				d.add(part{i, ops.Range{From: from, To: min(from+step, rows)}, ops.Range{From: left, To: min(left+columns, width)}})
			}
		}
	}
}

// add puts a part into the last block, or a new one where that would be too
// large.
func (d *division) add(p part) {
	at := len(d.parts)
	d.parts = append(d.parts, p)
	if n := len(d.blocks); n == 0 || d.blocks[n-1].Len+p.floats() > d.size {
		d.blocks = append(d.blocks, Block{parts: ops.Range{From: at, To: at}})
	}
	last := &d.blocks[len(d.blocks)-1]
	last.Len += p.floats()
	last.parts.To++
}
