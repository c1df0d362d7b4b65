package pipelines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/parallel"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
)

// identity is all that decides a run's weights. A checkpoint carries it, and a run resumes only from a checkpoint of its
// own identity. The run's length is not part of it: the weights after N steps do not depend on how many follow.
type identity struct {
	Spec     string            `json:"spec"` // resolved, without its length
	Kind     string            `json:"strategy"`
	Strategy training.Strategy `json:"rounds"`
	Parts    int               `json:"parameter_shards"`
	Shards   int               `json:"shards"`
	Batch    int               `json:"batch_size"`
	Seed     int64             `json:"seed"`
	Files    []fileIdentity    `json:"files"`
	Features string            `json:"features"` // sha256 of the fitted features
}

type fileIdentity struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	// Content is, of a file on disk, the sha256 of the sha256s of its blocks (see hashBlockBytes), and of an object on Cloud
	// Storage its generation.
	Content string `json:"content"`
}

func newIdentity(s *spec.Spec, shards int, strategy training.Strategy, parameterShards int, files []fileIdentity, fitted *features.Fitted) (*identity, error) {
	endless := *s
	endless.Training.Epochs, endless.Training.Steps = 0, 0
	text, err := endless.Marshal()
	if err != nil {
		return nil, err
	}
	encoded, err := features.Marshal(fitted)
	if err != nil {
		return nil, err
	}
	return &identity{
		Spec: string(text), Kind: strategy.Name(), Strategy: strategy, Parts: parameterShards, Shards: shards, Batch: s.Training.BatchSize, Seed: s.Training.Seed,
		Files: files, Features: digest(encoded),
	}, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encode returns the identity's bytes and their hash, which stands for the run.
func (id *identity) encode() (data []byte, hash string, err error) {
	data, err = json.Marshal(id)
	return data, digest(data), err
}

// difference says in a sentence how the run of a checkpoint differs from this one, or nothing.
func (id *identity) difference(checkpoint json.RawMessage) (string, error) {
	var old identity
	if err := json.Unmarshal(checkpoint, &old); err != nil {
		return "", fmt.Errorf("the checkpoint's identity cannot be read: %w", err)
	}
	was := func(name string, old, now any) string { return fmt.Sprintf("%s was %v and is now %v", name, old, now) }
	switch {
	case old.Kind != id.Kind:
		return was("--strategy", old.Kind, id.Kind), nil
	case old.Strategy.LocalSteps != id.Strategy.LocalSteps:
		return was("--local-steps", old.Strategy.LocalSteps, id.Strategy.LocalSteps), nil
	case old.Strategy.Outer != id.Strategy.Outer:
		return was("the outer optimizer's rate and momentum", old.Strategy.Outer, id.Strategy.Outer), nil
	case old.Strategy.Staleness != id.Strategy.Staleness:
		return was("--staleness", old.Strategy.Staleness, id.Strategy.Staleness), nil
	case old.Parts != id.Parts:
		return was("--parameter-shards", old.Parts, id.Parts), nil
	case old.Shards != id.Shards:
		return was("--shards", old.Shards, id.Shards), nil
	case old.Batch != id.Batch:
		return was("--batch-size", old.Batch, id.Batch), nil
	case old.Seed != id.Seed:
		return was("--seed", old.Seed, id.Seed), nil
	case old.Spec != id.Spec:
		return "the spec has changed: " + differentLine(old.Spec, id.Spec), nil
	}
	if d := differentFile(old.Files, id.Files); d != "" {
		return d, nil
	}
	if old.Features != id.Features {
		return "the fitted features have changed", nil
	}
	return "", nil
}

// differentLine shows the first line in which two specs differ, and the key that it stands under.
func differentLine(old, now string) string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%q was %q%s", strings.TrimSpace(b[i]), strings.TrimSpace(a[i]), under(b[:i+1]))
		}
	}
	return fmt.Sprintf("it had %d lines and has %d", len(a), len(b))
}

// under names the key that the last line stands under.
func under(lines []string) string {
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	last := lines[len(lines)-1]
	depth := indent(last)
	if strings.HasPrefix(last[depth:], "- ") { // of a list, which may stand as deep as its key
		depth++
	}
	for _, line := range slices.Backward(lines[:len(lines)-1]) {
		if key, ok := strings.CutSuffix(strings.TrimSpace(line), ":"); ok && indent(line) < depth {
			return " under " + strings.TrimPrefix(key, "- ")
		}
	}
	return ""
}

func differentFile(old, now []fileIdentity) string {
	if len(old) != len(now) {
		return fmt.Sprintf("there were %d training files and there are now %d", len(old), len(now))
	}
	for i := range now {
		switch {
		case old[i].Path != now[i].Path:
			return fmt.Sprintf("the training file %s is now %s", old[i].Path, now[i].Path)
		case old[i] != now[i]:
			return fmt.Sprintf("the training file %s has changed", now[i].Path)
		}
	}
	return ""
}

// identify tells files by their content, so that a copy of a run elsewhere in time is known to see the same records. The
// blocks of all files are hashed on all cores.
func identify(ctx context.Context, files []storage.Info) ([]fileIdentity, error) {
	var blocks []*fileBlock
	identities := make([]fileIdentity, len(files))
	for i, file := range files {
		identities[i] = fileIdentity{Path: file.Path, Size: file.Size, Content: fmt.Sprintf("generation %d", file.Generation)}
		if storage.IsLocal(file.Path) {
			blocks = append(blocks, blocksOf(i, file)...)
		}
	}
	err := parallel.Each(ctx, len(blocks), func(_, i int) error { return blocks[i].hash(ctx) })
	if err != nil {
		return nil, err
	}
	sums := make([][]byte, len(files)) // of the blocks, by file
	for _, b := range blocks {
		sums[b.owner] = append(sums[b.owner], b.sum...)
	}
	for i := range identities {
		if sums[i] != nil {
			identities[i].Content = "sha256 " + digest(sums[i])
		}
	}
	return identities, nil
}

// hashBlockBytes is how much of a file is hashed at a time. Another number would be another identity.
const hashBlockBytes = 16 << 20

// fileBlock is a part of a file on disk.
type fileBlock struct {
	owner  int // which of the files
	path   string
	offset int64
	sum    []byte
}

// blocksOf returns the blocks of a file, of which even an empty one has one.
func blocksOf(owner int, file storage.Info) []*fileBlock {
	blocks := []*fileBlock{{owner: owner, path: file.Path}}
	for offset := int64(hashBlockBytes); offset < file.Size; offset += hashBlockBytes {
		blocks = append(blocks, &fileBlock{owner: owner, path: file.Path, offset: offset})
	}
	return blocks
}

func (b *fileBlock) hash(ctx context.Context) error {
	r, err := storage.Open(ctx, b.path, b.offset, hashBlockBytes)
	if err != nil {
		return err
	}
	defer r.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return fmt.Errorf("read %s: %w", b.path, err)
	}
	b.sum = hash.Sum(nil)
	return nil
}
