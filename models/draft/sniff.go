package draft

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/penstock-ml/penstock/models/features"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
)

// sniffed is how much of a file tells its format.
const sniffed = 1 << 20

// sniff fills in what the options leave open: the kind of file, its delimiter and whether it has a header.
func sniff(ctx context.Context, o Options) (records.Format, error) {
	head, err := readHead(ctx, o.Input)
	if err != nil {
		return records.Format{}, err
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	switch {
	case len(text) == 0:
		return records.Format{}, fmt.Errorf("%s: the file is empty", o.Input)
	case bytes.IndexByte(text, 0) >= 0:
		return records.Format{}, fmt.Errorf("%s: the file is not text: a zero byte is at offset %d", o.Input, bytes.IndexByte(head, 0))
	case text[0] == '{' && o.Delimiter == 0:
		return records.Format{Kind: records.JSONL}, nil
	}
	f := records.Format{Kind: records.CSV, Delimiter: o.Delimiter, Multiline: true}
	whole := len(head) < sniffed
	if f.Delimiter == 0 {
		f.Delimiter = delimiter(head, whole)
	}
	rows := sample(head, f, whole)
	if len(rows) == 0 {
		return f, fmt.Errorf("%s: no line of the file can be read as delimited text", o.Input)
	}
	if f.Header = hasHeader(rows); o.Header != nil {
		f.Header = *o.Header
	}
	f.Columns = columnNames(rows[0], f.Header)
	return f, nil
}

func readHead(ctx context.Context, file string) ([]byte, error) {
	source, err := records.Bytes(ctx, file)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	head := make([]byte, sniffed)
	n, err := io.ReadFull(source, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// sample reads the records of a file's beginning; the last one may be cut off.
func sample(head []byte, f records.Format, whole bool) (rows [][]string) {
	const most = 1000
	f.Columns, f.Header = nil, false
	scanner := records.NewScanner(bytes.NewReader(head), f, "")
	for len(rows) < most && scanner.Scan() {
		if scanner.Record().Err != nil {
			continue
		}
		var row []string
		for _, field := range scanner.Record().Fields {
			row = append(row, string(features.Trim(field)))
		}
		rows = append(rows, row)
	}
	if !whole && len(rows) > 1 && len(rows) < most {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// delimiter is the one that cuts most records into the same number of fields, more than one; a comma where none does.
func delimiter(head []byte, whole bool) byte {
	best, bestScore := byte(','), 0.0
	for _, d := range []byte{',', ';', '\t', '|'} {
		rows := sample(head, records.Format{Kind: records.CSV, Delimiter: d, Multiline: true}, whole)
		if len(rows) == 0 || len(rows[0]) < 2 {
			continue
		}
		same := 0
		for _, row := range rows {
			if len(row) == len(rows[0]) {
				same++
			}
		}
		// Of delimiters that all rows agree on, the one that makes more columns.
		if score := float64(same)/float64(len(rows)) + 1e-6*float64(len(rows[0])); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

// hasHeader tells whether the first row names the columns: where a column is of numbers and its first value is none, or
// else where no value of the first row is a number, or stands for none, or comes again below it.
func hasHeader(rows [][]string) bool {
	first, rest := rows[0], rows[1:]
	names, numbers := 0, 0
	for i, name := range first {
		if isNumber(name) || markers[name] {
			return false
		}
		if name != "" && !among(rest, i, name) {
			names++
		}
		if mostlyNumbers(rest, i) {
			numbers++
		}
	}
	if len(rest) == 0 {
		return false
	}
	return numbers > 0 || names >= len(first)-1 // R leaves the name of the first column empty
}

func isNumber(text string) bool {
	_, err := features.ParseNumber([]byte(text))
	return err == nil
}

func among(rows [][]string, column int, text string) bool {
	for _, row := range rows {
		if column < len(row) && row[column] == text {
			return true
		}
	}
	return false
}

func mostlyNumbers(rows [][]string, column int) bool {
	numbers, texts := 0, 0
	for _, row := range rows {
		if column >= len(row) || row[column] == "" || markers[row[column]] {
			continue
		}
		if isNumber(row[column]) {
			numbers++
		} else {
			texts++
		}
	}
	return numbers > 9*texts
}

// columnNames are those of the header, or numbers from 1; so is one that the header leaves empty.
func columnNames(first []string, header bool) []string {
	if !header {
		return spec.NumberColumns(len(first))
	}
	var names []string
	for i, name := range first {
		names = append(names, records.HeaderName(i, name))
	}
	return names
}
