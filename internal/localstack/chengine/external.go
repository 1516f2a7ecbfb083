package chengine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/url"
	"strings"
)

// externalTable is a table that came with the request and lives as long.
type externalTable struct {
	name      string
	structure string // column list as in CREATE TABLE
	format    string
	data      []byte
}

// readForm takes statement, parameters and external tables from a form. Form
// fields count like query parameters; parts that carry a table are files.
func (req *request) readForm(form *multipart.Reader, values url.Values) error {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bodyError(err)
		}
		content, err := readUpTo(part, maxStatementBytes)
		if err != nil {
			return err
		}
		switch name := part.FormName(); {
		case name == "query":
			req.sql = joined(req.sql, content)
		case values.Has(name+"_structure") || values.Has(name+"_types"):
			req.external = append(req.external, newExternalTable(name, content, values))
		case strings.HasPrefix(name, "param_"):
			values.Set(name, content)
		default:
			return refuse(codeBadArguments, "BAD_ARGUMENTS", "External table %s: neither %s_structure nor %s_types is given.", name, name, name)
		}
	}
}

func newExternalTable(name, content string, values url.Values) externalTable {
	structure := values.Get(name + "_structure")
	if structure == "" {
		var columns []string
		for i, kind := range strings.Split(values.Get(name+"_types"), ",") {
			columns = append(columns, fmt.Sprintf("_%d %s", i+1, kind))
		}
		structure = strings.Join(columns, ", ")
	}
	format := firstOf(values.Get(name+"_format"), "TabSeparated")
	return externalTable{name: name, structure: structure, format: format, data: []byte(content)}
}

// describesExternal tells parameters of external tables from settings.
func (req *request) describesExternal(param string) bool {
	for _, table := range req.external {
		if rest, ok := strings.CutPrefix(param, table.name+"_"); ok && (rest == "structure" || rest == "types" || rest == "format") {
			return true
		}
	}
	return false
}

// load creates the table on the request's own connection and fills it.
func (t externalTable) load(con *connection) error {
	sql := "CREATE TEMPORARY TABLE " + quoteName(t.name) + " (" + t.structure + ") ENGINE = Memory"
	if con.analyse(sql).statementCount > 1 {
		return errSeveral
	}
	if err := con.exec(sql); err != nil {
		return err
	}
	in, err := con.insert(statement{sql: "INSERT INTO " + quoteName(t.name), format: t.format})
	if err != nil {
		return err
	}
	defer in.close()
	_, err = in.take(bytes.NewReader(t.data))
	return err
}
