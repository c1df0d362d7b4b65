package storage

import (
	"fmt"
	"regexp"
	"strings"
)

// metaCharacters are those that mean something in a pattern.
const metaCharacters = "*?["

// hasMeta reports whether a pattern can match more than one path.
func hasMeta(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
		} else if strings.IndexByte(metaCharacters, pattern[i]) >= 0 {
			return true
		}
	}
	return false
}

// unescape removes the backslashes of a pattern without other meta characters.
func unescape(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}

// compile turns a glob pattern into a regular expression for whole paths.
func compile(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); {
		n, expr, err := translate(pattern[i:])
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		b.WriteString(expr)
		i += n
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}

// translate returns the regular expression of a pattern's first token and the
// token's length.
func translate(pattern string) (n int, expr string, err error) {
	switch {
	case strings.HasPrefix(pattern, "**/"):
		return 3, `(?:.*/)?`, nil
	case strings.HasPrefix(pattern, "**"):
		return 2, `.*`, nil
	case pattern[0] == '*':
		return 1, `[^/]*`, nil
	case pattern[0] == '?':
		return 1, `[^/]`, nil
	case pattern[0] == '[':
		return translateClass(pattern)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, regexp.QuoteMeta(pattern[1:2]), nil
	}
	n = strings.IndexAny(pattern[1:], metaCharacters+`\`) + 1
	if n == 0 {
		n = len(pattern)
	}
	return n, regexp.QuoteMeta(pattern[:n]), nil
}

// translateClass translates "[a-z]" and "[^a-z]".
func translateClass(pattern string) (n int, expr string, err error) {
	end := strings.IndexByte(pattern[1:], ']') + 1
	members := strings.TrimPrefix(pattern[1:max(end, 1)], "^")
	if members == "" {
		return 0, "", fmt.Errorf(`"[" begins a class that is empty or never closed (write \[ for the character itself)`)
	}
	not := ""
	if pattern[1] == '^' {
		not = "^"
	}
	// "-" keeps its meaning of a range; everything else is plain.
	plain := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`, `&`, `\&`, `~`, `\~`).Replace(members)
	return end + 1, "[" + not + plain + "]", nil
}

// literalPrefix returns the directory, with its final slash, below which all
// matches of a pattern lie.
func literalPrefix(pattern string) string {
	prefix := pattern
	if i := strings.IndexAny(pattern, metaCharacters+`\`); i >= 0 {
		prefix = pattern[:i]
	}
	return prefix[:strings.LastIndexByte(prefix, '/')+1]
}
