package chengine

import "strings"

// tokenKind tells apart what the routing needs and no more.
type tokenKind int

const (
	tokenWord   tokenKind = iota + 1 // bare word or number
	tokenQuoted                      // `name` or "name"
	tokenText                        // 'text' or $tag$text$tag$
	tokenSign                        // any other single character
)

// token is one piece of SQL text, comments and white space left out. Depth
// counts the brackets around it; a bracket itself has the depth outside.
type token struct {
	kind       tokenKind
	start, end int
	depth      int
	text       string
}

// is compares a bare word without regard to case.
func (t token) is(word string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

func (t token) isOneOf(words ...string) bool {
	for _, word := range words {
		if t.is(word) {
			return true
		}
	}
	return false
}

func (t token) isSign(sign string) bool { return t.kind == tokenSign && t.text == sign }

// lexer cuts SQL into tokens by ClickHouse's rules for quotes and comments.
type lexer struct {
	sql   string
	pos   int
	depth int
}

// next returns the following token, or false at the end.
func (l *lexer) next() (token, bool) {
	l.skip()
	if l.pos >= len(l.sql) {
		return token{}, false
	}
	start, depth := l.pos, l.depth
	kind := l.advance()
	if depth > l.depth {
		depth = l.depth
	}
	return token{kind: kind, start: start, end: l.pos, depth: depth, text: l.sql[start:l.pos]}, true
}

// skip passes white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.sql) {
		rest := l.sql[l.pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v\x00", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "# "), strings.HasPrefix(rest, "#!"):
			l.pos += through(rest, "\n", 0)
		case strings.HasPrefix(rest, "/*"):
			l.pos += through(rest, "*/", 2)
		default:
			return
		}
	}
}

// through is the length of s up to and including the first end after from, or all of it.
func through(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

func (l *lexer) advance() tokenKind {
	switch c := l.sql[l.pos]; {
	case c == '\'':
		l.quoted(c)
		return tokenText
	case c == '`' || c == '"':
		l.quoted(c)
		return tokenQuoted
	case c == '$' && l.heredoc():
		return tokenText
	case isWord(c):
		for l.pos < len(l.sql) && isWord(l.sql[l.pos]) {
			l.pos++
		}
		return tokenWord
	case c == '(' || c == '[' || c == '{':
		l.depth++
	case c == ')' || c == ']' || c == '}':
		l.depth = max(0, l.depth-1)
	}
	l.pos++
	return tokenSign
}

// quoted passes a literal with backslash escapes; a doubled quote reads as two
// literals side by side, which changes nothing here.
func (l *lexer) quoted(quote byte) {
	for l.pos++; l.pos < len(l.sql); l.pos++ {
		switch l.sql[l.pos] {
		case '\\':
			l.pos++
		case quote:
			l.pos++
			return
		}
	}
	l.pos = len(l.sql)
}

// heredoc passes $tag$...$tag$ and reports whether there was one.
func (l *lexer) heredoc() bool {
	rest := l.sql[l.pos:]
	n := 1
	for n < len(rest) && rest[n] != '$' && isWord(rest[n]) {
		n++
	}
	if n >= len(rest) || rest[n] != '$' {
		return false
	}
	tag := rest[:n+1]
	end := strings.Index(rest[len(tag):], tag)
	if end < 0 {
		return false
	}
	l.pos += 2*len(tag) + end
	return true
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
