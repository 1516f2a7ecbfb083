package chengine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// maxDrainBytes is how much of a refused body is read so that its sender sees
// the answer and not a broken connection.
const maxDrainBytes = 256 << 20

var errSeveral = refuse(codeSyntaxError, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed): send one statement a request.")

// handler answers ClickHouse's HTTP interface.
type handler struct {
	engine *engine
	auth   credentials
	log    *slog.Logger
	mux    *http.ServeMux
	inside sync.WaitGroup // requests being answered
}

func newHandler(opts Options, eng *engine) *handler {
	h := &handler{
		engine: eng, auth: newCredentials(opts.User, opts.Password), log: opts.Logger, mux: http.NewServeMux(),
	}
	h.mux.HandleFunc("GET /ping", ok)
	h.mux.HandleFunc("GET /{$}", h.query)
	h.mux.HandleFunc("POST /{$}", h.query)
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inside.Add(1)
	defer h.inside.Done()
	h.mux.ServeHTTP(w, r)
}

// idle is closed when no request is being answered. The server must accept no
// more by then.
func (h *handler) idle() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		h.inside.Wait()
		close(done)
	}()
	return done
}

func ok(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	_, _ = io.WriteString(w, "Ok.\n")
}

// query answers one statement.
func (h *handler) query(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && !r.URL.Query().Has("query") {
		ok(w, r)
		return
	}
	start := time.Now()
	resp := newResponse(w, r)
	req, err := h.answer(r, resp)
	if err != nil {
		resp.fail(asException(err))
		_, _ = io.CopyN(io.Discard, r.Body, maxDrainBytes)
	}
	if finishErr := resp.finish(); err == nil {
		err = finishErr
	}
	if req != nil {
		h.log.Debug("statement", "query_id", req.queryID, "sql", shortened(req.sql), "took", time.Since(start), "error", err)
	}
}

func (h *handler) answer(r *http.Request, resp *response) (*request, error) {
	if err := h.auth.check(r); err != nil {
		return nil, err
	}
	req, err := parseRequest(r)
	if err != nil {
		return nil, err
	}
	resp.w.Header().Set("X-ClickHouse-Query-Id", req.queryID)
	resp.w.Header().Set("X-ClickHouse-Timezone", h.engine.timezone)
	resp.compress, resp.method, resp.format = req.compress, req.method, req.format
	if isHello(req) {
		_, err := resp.Write(h.engine.hello())
		return req, err
	}
	return req, h.run(r.Context(), req, resp)
}

// run gives the statement a connection of its own and sends it on its way.
func (h *handler) run(ctx context.Context, req *request, resp *response) error {
	p, err := planStatement(req.sql, req.body != nil)
	if err != nil {
		return err
	}
	con, err := h.engine.connect(req.database, req.settings)
	if err != nil {
		return err
	}
	defer con.close()
	defer h.engine.guard(ctx, con)()
	for _, table := range req.external {
		if err := table.load(con); err != nil {
			return err
		}
	}
	if p.route == routeInsert {
		return runInsert(con, req, p, resp)
	}
	if err := check(con, req.sql, p); err != nil {
		return err
	}
	resp.format = firstOf(p.format, req.format)
	if p.route == routeStream && !req.buffered && isConcatenable(resp.format) {
		return runStream(ctx, con, req, resp)
	}
	return runWhole(con, req, resp)
}

// check asks the engine's own parser what the text is: the second line of
// defence behind planStatement. What does not parse is left to fail.
func check(con *connection, sql string, p plan) error {
	found := con.analyse(sql)
	if found.statementCount > 1 {
		return errSeveral
	}
	if p.reads && found.class == classControl {
		return refuse(codeNotImplemented, "NOT_IMPLEMENTED", "Output to files is not supported: data comes and goes over the connection.")
	}
	return nil
}

// runStream passes pieces of output on as the engine makes them.
func runStream(ctx context.Context, con *connection, req *request, resp *response) error {
	out, err := con.stream(statement{sql: req.sql, format: req.format, params: req.params})
	if isNotStreamable(err) {
		return runWhole(con, req, resp)
	}
	if err != nil {
		return err
	}
	defer out.close()
	for {
		piece, err := out.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = resp.Write(piece.bytes())
		piece.close()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return refuse(codeQueryWasCancelled, "QUERY_WAS_CANCELLED", "The client is gone or the engine stops: %v.", err)
		}
	}
}

// runWhole runs any statement and answers when it is through.
func runWhole(con *connection, req *request, resp *response) error {
	r, err := con.query(statement{sql: req.sql, format: req.format, params: req.params})
	if err != nil {
		return err
	}
	defer r.close()
	resp.summarise(r.summary())
	_, err = resp.Write(r.bytes())
	return err
}

// runInsert feeds the data behind a statement to the engine.
func runInsert(con *connection, req *request, p plan, resp *response) error {
	if con.analyse(p.head+" FORMAT "+p.format).statementCount > 1 {
		return errSeveral
	}
	in, err := con.insert(statement{sql: p.head, format: p.format, params: req.params})
	if err != nil {
		return err
	}
	defer in.close()
	done, err := in.take(insertData(p.data, req.body))
	if err != nil {
		return err
	}
	resp.summarise(done)
	return nil
}

func shortened(sql string) string {
	const most = 300
	if len(sql) <= most {
		return sql
	}
	return sql[:most] + "..."
}
