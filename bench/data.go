package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/penstock-ml/penstock/models/spec"
)

// dataset is what both sides train on.
type dataset struct {
	train, eval string
	rows        int // of train
	real        bool
}

// generatedRows is the length of the real training file.
const generatedRows = 32_561

// findData takes the real census, or generates records in its form where that is absent.
func (b *bench) findData(ctx context.Context, censusDir string) error {
	train := filepath.Join(censusDir, "adult.data.csv")
	b.data = dataset{train: train, eval: filepath.Join(censusDir, "adult.test.csv"), real: true}
	_, err := os.Stat(train)
	if errors.Is(err, fs.ErrNotExist) {
		b.say("the census data is not in %s; generating records in its form (CENSUS_DIR names the directory of adult.data.csv)", censusDir)
		b.data = dataset{train: filepath.Join(b.dir, "train.csv"), eval: filepath.Join(b.dir, "eval.csv")}
		_, _, err = b.penstock(ctx, nil, "generate", "census", "--rows", strconv.Itoa(generatedRows), "--seed", "1", "--output", b.dir)
	}
	if err != nil {
		return err
	}
	b.data.rows, err = countLines(b.data.train)
	return err
}

func countLines(path string) (int, error) {
	data, err := os.ReadFile(path)
	return bytes.Count(data, []byte("\n")), err
}

// csvOfRows is a file of at least so many rows: the training data, repeated. It is written once.
func (b *bench) csvOfRows(rows int) (string, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("rows-%d.csv", rows))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	data, err := os.ReadFile(b.data.train)
	if err != nil {
		return "", err
	}
	copies := (rows + b.data.rows - 1) / b.data.rows
	return path, writeFile(path, func(w io.Writer) error {
		for range copies {
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return nil
	})
}

// predictionInput is the file that batch prediction reads, as CSV or JSON lines.
func (b *bench) predictionInput(format string) (string, error) {
	input, err := b.csvOfRows(b.scaled(predictRows))
	if err != nil || format == "csv" {
		return input, err
	}
	output := input + ".jsonl"
	if _, err := os.Stat(output); err == nil {
		return output, nil
	}
	text, err := os.ReadFile(peersSpec)
	if err != nil {
		return "", err
	}
	s, err := spec.Parse(peersSpec, text)
	if err != nil {
		return "", err
	}
	in, err := os.Open(input)
	if err != nil {
		return "", err
	}
	defer in.Close()
	return output, writeFile(output, func(w io.Writer) error { return toJSONLines(w, in, s.Data.Columns) })
}

// toJSONLines writes records of CSV as objects, with numbers for the fields that are numbers.
func toJSONLines(w io.Writer, r io.Reader, columns []string) error {
	reader := csv.NewReader(r)
	reader.ReuseRecord, reader.FieldsPerRecord = true, len(columns)
	reader.TrimLeadingSpace = true
	var line []byte
	for {
		fields, err := reader.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		line = line[:0]
		for i, field := range fields {
			separator := byte(',')
			if i == 0 {
				separator = '{'
			}
			line = append(strconv.AppendQuote(append(line, separator), columns[i]), ':')
			line = appendValue(line, field)
		}
		if _, err := w.Write(append(line, '}', '\n')); err != nil {
			return err
		}
	}
}

func appendValue(line []byte, field string) []byte {
	if _, err := strconv.Atoi(field); err == nil {
		return append(line, field...)
	}
	quoted, _ := json.Marshal(field) // a string always has a form
	return append(line, quoted...)
}

func writeFile(path string, write func(w io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(w), w.Flush(), f.Close())
}
