package predictor

import (
	"bytes"
	"fmt"
)

// Request is the body of a prediction request,
//
//	{"instances": [{...}, ...], "explain": true}
//
// of which "explain" may be left out.
type Request struct {
	Instances [][]byte // JSON objects, parts of the body; not looked into yet
	Explain   bool
}

// maxDepth is how deep the values of an instance may be nested. Those that can be predicted are flat.
const maxDepth = 16

// Parse reads a body, and keeps parts of it. The memory of Instances is used again.
func (r *Request) Parse(body []byte) error {
	r.Instances, r.Explain = r.Instances[:0], false
	p := requestParser{body: body, request: r}
	if err := p.object(); err != nil {
		return fmt.Errorf(`not a prediction request, {"instances": [...]}: %w`, err)
	}
	return nil
}

// requestParser is at a byte of a body.
type requestParser struct {
	body    []byte
	at      int
	request *Request
	given   bool // "instances"
}

func (p *requestParser) object() error {
	if !p.accept('{') {
		return p.expected("an object")
	}
	for more := !p.accept('}'); more; {
		if err := p.member(); err != nil {
			return err
		}
		more = p.accept(',')
		if !more && !p.accept('}') {
			return p.expected(`"," or "}"`)
		}
	}
	if p.space(); p.at < len(p.body) {
		return fmt.Errorf("there is more after the object, at byte %d", p.at)
	}
	if !p.given {
		return fmt.Errorf(`there is no "instances"`)
	}
	return nil
}

func (p *requestParser) member() error {
	p.space()
	name, err := p.value()
	if err != nil {
		return err
	}
	if name[0] != '"' {
		return fmt.Errorf("a name in quotes is expected at byte %d", p.at-len(name))
	}
	if !p.accept(':') {
		return p.expected(`":"`)
	}
	switch string(name) {
	case `"instances"`:
		return p.instances()
	case `"explain"`:
		return p.explain()
	case `"signature_name"`: // TensorFlow's clients send it; there is one signature
		p.space()
		_, err := p.value()
		return err
	}
	return fmt.Errorf("unknown member %s", name)
}

func (p *requestParser) explain() error {
	p.space()
	value, err := p.value()
	if err != nil {
		return err
	}
	switch string(value) {
	case "true":
		p.request.Explain = true
	case "false":
		p.request.Explain = false
	default:
		return fmt.Errorf(`"explain" is %s, not true or false`, value)
	}
	return nil
}

func (p *requestParser) instances() error {
	if p.given {
		return fmt.Errorf(`"instances" occurs twice`)
	}
	p.given = true
	if !p.accept('[') {
		return fmt.Errorf(`"instances" is no array`)
	}
	for more := !p.accept(']'); more; {
		p.space()
		instance, err := p.value()
		if err != nil {
			return err
		}
		if instance[0] != '{' {
			return fmt.Errorf("instances[%d] is no object", len(p.request.Instances))
		}
		p.request.Instances = append(p.request.Instances, instance)
		more = p.accept(',')
		if !more && !p.accept(']') {
			return p.expected(`"," or "]"`)
		}
	}
	return nil
}

// value moves behind a value, of which only the extent is looked at.
func (p *requestParser) value() ([]byte, error) {
	begin, depth := p.at, 0
	for p.at < len(p.body) {
		switch c := p.body[p.at]; c {
		case '"':
			if !p.text() {
				return nil, p.expected("the end of a string")
			}
			p.at-- // as after any other byte
		case '{', '[':
			if depth++; depth > maxDepth {
				return nil, fmt.Errorf("values are nested more than %d deep at byte %d", maxDepth, p.at)
			}
		case '}', ']', ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return p.since(begin)
			}
			if c == '}' || c == ']' {
				depth--
			}
		}
		p.at++
		if depth == 0 && ends(p.body[p.at-1]) {
			return p.since(begin)
		}
	}
	if depth > 0 {
		return nil, p.expected("the end of an object or array")
	}
	return p.since(begin)
}

// ends tells that a value is over with a byte.
func ends(c byte) bool { return c == '}' || c == ']' || c == '"' }

func (p *requestParser) since(begin int) ([]byte, error) {
	if p.at == begin {
		return nil, p.expected("a value")
	}
	return p.body[begin:p.at:p.at], nil
}

// text moves behind a string.
func (p *requestParser) text() bool {
	for p.at++; p.at < len(p.body); p.at++ {
		i := bytes.IndexByte(p.body[p.at:], '"')
		if i < 0 {
			break
		}
		p.at += i
		if !p.escaped() {
			p.at++
			return true
		}
	}
	p.at = len(p.body)
	return false
}

// escaped tells that an odd number of backslashes stands before a quote.
func (p *requestParser) escaped() bool {
	n := 0
	for p.body[p.at-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// accept moves behind a byte if it is the next after white space.
func (p *requestParser) accept(c byte) bool {
	p.space()
	if p.at < len(p.body) && p.body[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *requestParser) space() {
	for p.at < len(p.body) {
		if c := p.body[p.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return
		}
		p.at++
	}
}

func (p *requestParser) expected(what string) error {
	if p.at >= len(p.body) {
		return fmt.Errorf("it ends where %s is expected", what)
	}
	return fmt.Errorf("%s is expected at byte %d", what, p.at)
}
