package saved

import "testing"

// BenchmarkCheckpoint writes and reads the state of a model with 300,000 floats
// (weights and optimizer state of a census model).
func BenchmarkCheckpoint(b *testing.B) {
	c := &Checkpoint{Tensors: []Tensor{{"state", []int{300_000}, make([]float32, 300_000)}}, Meta: []byte("{}")}
	b.Run("write", func(b *testing.B) {
		job := b.TempDir()
		for b.Loop() {
			c.Step++
			if err := WriteCheckpoint(b.Context(), job, c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		job := b.TempDir()
		if err := WriteCheckpoint(b.Context(), job, c); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, _, err := LatestCheckpoint(b.Context(), job); err != nil {
				b.Fatal(err)
			}
		}
	})
}
