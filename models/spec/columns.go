package spec

import (
	"slices"
	"strconv"

	"github.com/penstock-ml/penstock/models/records"
)

// NumberColumns names n columns without a header by their number, from 1.
func NumberColumns(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i + 1)
	}
	return names
}

// Format says how the data is read.
func (s *Spec) Format() records.Format {
	f := records.Format{Kind: s.Data.Format, Header: s.Data.Header, Columns: s.Data.Columns, Multiline: s.Data.Multiline}
	if s.Data.Delimiter != "" {
		f.Delimiter = s.Data.Delimiter[0]
	}
	return f
}

// ResolveColumns gives a spec without data.columns the names that the data
// shows: those of the header, or [NumberColumns]. Its error is [Errors]: the
// complaints about columns that the spec uses and the data does not have. A
// spec that has its columns already stays as it is.
func (s *Spec) ResolveColumns(columns []string) error {
	if len(s.Data.Columns) > 0 {
		return nil
	}
	s.Data.Columns = slices.Clone(columns)
	l := &list{source: s.positions()}
	s.checkColumns(l)
	return l.err()
}

// checkColumns complains about columns that the data does not have, and about
// a label that is used as a feature. Without known columns only the latter.
func (s *Spec) checkColumns(l *list) {
	s.checkColumn(l, path("label", "column"), s.Label.Column)
	s.checkColumn(l, path("key"), s.Key)
	s.checkColumn(l, path("weight"), s.Weight)
	if s.Weight != "" && s.Weight == s.Label.Column {
		l.at(path("weight"), "weight is %q, the label's column; name another one", s.Weight)
	}
	for i := range s.Features {
		f := &s.Features[i]
		at := path("features", i, "column")
		if _, found := find(l.root, at); !found {
			at = path("features", i, "name")
		}
		s.checkColumn(l, at, f.Column)
		if f.Column != "" && f.Column == s.Label.Column {
			l.at(at, "feature %q reads the label's column, which a prediction does not have; remove the feature", f.Name)
		}
	}
}

func (s *Spec) checkColumn(l *list, at []string, column string) {
	columns := s.Data.Columns
	if column == "" || len(columns) == 0 || slices.Contains(columns, column) {
		return
	}
	hint := DidYouMean(column, columns)
	if hint == "" {
		hint = "; add it there or name one of them"
	}
	l.at(at, "%s is %q, which is not among the data's columns%s", dotted(at), column, hint)
}
