package plan

import (
	"github.com/penstock-ml/penstock/models"
	"github.com/penstock-ml/penstock/models/ops"
)

// A Block is a part of the dense parameters' vector: some small parameters, or
// some rows of a large one.
type Block struct {
	Offset, Len int // floats
	parts       []part
}

// A part is rows of one parameter.
type part struct {
	param  int // among the dense ones
	rows   ops.Range
	floats int
}

// A block and the products that make it should fit into the second cache, and
// there should be enough of them to share among cores; but each costs a few
// calls a group, and products of many rows choose whose zeros they leave out.
const (
	fewestFloats = 4 << 10
	mostFloats   = 64 << 10
	enoughBlocks = 16
	tileRows     = 8 // that products compute at once
)

// blocks cuts the dense parameters, in order.
func blocks(a *models.Arrangement) []Block {
	size := min(max(a.Dense/enoughBlocks, fewestFloats), mostFloats)
	var list []Block
	for i := range a.Params {
		p := &a.Params[i]
		if p.Sparse {
			break // the dense ones come first
		}
		rows, width := p.Shape[0], p.Size()/p.Shape[0]
		step := rows
		if p.Size() > size {
			step = max(size/width/tileRows, 1) * tileRows
		}
		for from := 0; from < rows; from += step {
			to := min(from+step, rows)
			list = add(list, size, part{i, ops.Range{From: from, To: to}, (to - from) * width})
		}
	}
	return list
}

// add puts a part into the last block, or a new one where that would be too
// large.
func add(list []Block, size int, p part) []Block {
	end := 0
	if n := len(list); n > 0 {
		last := &list[n-1]
		if end = last.Offset + last.Len; last.Len+p.floats <= size {
			last.parts = append(last.parts, p)
			last.Len += p.floats
			return list
		}
	}
	return append(list, Block{Offset: end, Len: p.floats, parts: []part{p}})
}
