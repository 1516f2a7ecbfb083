package chengine

import (
	"errors"
	"strings"
)

// route is the way a statement takes into the engine.
type route int

const (
	routeStream  route = iota + 1 // a SELECT, piece by piece where the format allows
	routeInsert                   // an INSERT whose data follows
	routeExecute                  // everything else, whole
)

// plan is what the text of a statement tells before the engine sees it.
type plan struct {
	route  route
	head   string // routeInsert: the statement without FORMAT clause and data
	format string // from the statement's FORMAT clause, or ""
	data   string // routeInsert: data that stood behind the statement
	reads  bool   // begins like a statement that must leave no trace
}

// planStatement reads the statement. hasBody says that insert data follows in
// the request's body.
func planStatement(sql string, hasBody bool) (plan, error) {
	lex := &lexer{sql: sql}
	first, ok := lex.next()
	switch {
	case !ok:
		return plan{}, refuse(codeSyntaxError, "SYNTAX_ERROR", "Syntax error: failed at position 1 (end of query): Empty query.")
	case first.is("INSERT"):
		return planInsert(lex, hasBody)
	}
	p := plan{route: routeExecute}
	if first.isOneOf("SELECT", "WITH", "FROM") || first.isSign("(") {
		p.route = routeStream
	}
	p.reads = p.route == routeStream || first.isOneOf("SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK")
	format, err := scanQuery(lex)
	p.format = format
	return p, err
}

// scanQuery looks for a FORMAT clause and for files of this machine.
func scanQuery(lex *lexer) (format string, err error) {
	var back [2]token // back[1] is the token before the current one
	for {
		t, ok := lex.next()
		if err := errors.Join(refuseFile(back[1], t), refuseFileFunction(back[1], t)); err != nil {
			return "", err
		}
		ended := !ok || t.isSign(";") || t.is("SETTINGS")
		if ended && back[0].is("FORMAT") && back[0].depth == 0 && back[1].kind == tokenWord {
			format = back[1].text
		}
		if !ok {
			return format, nil
		}
		back[0], back[1] = back[1], t
	}
}

// refuseFile catches INTO OUTFILE and FROM INFILE, which read and write any
// file of the machine past all grants.
func refuseFile(before, t token) error {
	if before.is("INTO") && t.is("OUTFILE") || before.is("FROM") && t.is("INFILE") {
		return refuse(codeNotImplemented, "NOT_IMPLEMENTED",
			"%s %s is not supported: data comes and goes over the connection.", strings.ToUpper(before.text), strings.ToUpper(t.text))
	}
	return nil
}

// refuseFileFunction catches calls that no grant holds back: file() as a plain
// function reads any file, and sqlite() creates one before it asks for rights.
func refuseFileFunction(before, t token) error {
	if !t.isSign("(") || before.kind != tokenWord && before.kind != tokenQuoted {
		return nil
	}
	switch name := strings.ToLower(strings.Trim(before.text, "`\"")); name {
	case "file", "sqlite":
		return refuse(codeAccessDenied, "ACCESS_DENIED", "%s(...) is not allowed: the local engine does not open files of this machine.", name)
	}
	return nil
}

// planInsert continues after INSERT: target, columns, then FORMAT, VALUES, a
// query, or nothing.
func planInsert(lex *lexer, hasBody bool) (plan, error) {
	before := token{}
	for seen := 0; ; seen++ {
		t, ok := lex.next()
		if err := refuseFile(before, t); err != nil {
			return plan{}, err
		}
		switch {
		case !ok || t.isSign(";"):
			return insertWithoutClause(lex.sql, t, ok, hasBody), nil
		case seen > 1 && t.depth == 0 && before.is("FORMAT") && t.kind == tokenWord:
			return plan{route: routeInsert, head: lex.sql[:before.start], format: t.text, data: inlineData(lex.sql[t.end:])}, nil
		case seen > 0 && t.depth == 0 && t.is("VALUES") && !before.isSign("."):
			return insertValues(lex.sql, t, hasBody), nil
		case seen > 0 && t.depth <= 1 && t.isOneOf("SELECT", "WITH") && (t.depth == 0 || before.isSign("(")):
			_, err := scanQuery(lex)
			return plan{route: routeExecute}, err
		}
		before = t
	}
}

// insertWithoutClause has neither format nor query: ClickHouse then expects
// the data in the format Values.
func insertWithoutClause(sql string, end token, hasEnd, hasBody bool) plan {
	if !hasBody || hasEnd && strings.TrimLeft(sql[end.start:], "; \t\r\n") != "" {
		return plan{route: routeExecute}
	}
	if hasEnd {
		sql = sql[:end.start]
	}
	return plan{route: routeInsert, head: sql, format: "Values"}
}

// insertValues sends literal rows through the parser, which binds parameters
// inside them, and rows from the body through the insert stream.
func insertValues(sql string, values token, hasBody bool) plan {
	if rest := strings.TrimSpace(sql[values.end:]); rest != "" || !hasBody {
		return plan{route: routeExecute}
	}
	return plan{route: routeInsert, head: sql[:values.start], format: "Values"}
}

// inlineData is what follows the name of a format: the rest of the line is
// blank, then the data begins. A lone semicolon is the end of the statement.
func inlineData(rest string) string {
	rest = strings.TrimLeft(rest, " \t\r")
	rest = strings.TrimPrefix(rest, "\n")
	if strings.Trim(rest, "; \t\r\n") == "" {
		return ""
	}
	return rest
}

// concatenable formats stay valid when complete documents follow each other,
// so that their output can leave while the query still runs.
var concatenable = map[string]bool{
	"native": true, "null": true,
	"tabseparated": true, "tsv": true, "tabseparatedraw": true, "tsvraw": true, "raw": true, "tskv": true,
	"csv": true, "lineasstring": true, "rowbinary": true, "msgpack": true,
	"jsoneachrow": true, "ndjson": true, "jsonlines": true, "jsonstringseachrow": true,
	"jsoncompacteachrow": true, "jsoncompactstringseachrow": true,
}

func isConcatenable(format string) bool { return concatenable[strings.ToLower(format)] }
