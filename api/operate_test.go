package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"puenktlich/internal/access"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// notes is an operator that writes down what it was asked. The true one is tried
// where the program is wired, against workflows.
type notes struct{ heard []string }

func (n *notes) Promote(_ context.Context, id, model string, order PromoteOrder, actor string) (Rollout, error) {
	n.heard = append(n.heard, fmt.Sprint(id, " promote ", model, " ", order, " by ", actor))
	return Rollout{Workflow: "promote/" + model, Package: servingtest.Ref(8)}, nil
}

func (n *notes) Opine(_ context.Context, id, model string, approved bool, r schemas.OpinionRequest) (string, error) {
	n.heard = append(n.heard, fmt.Sprint(id, " opine ", model, " ", approved, " ", r))
	if approved {
		return "", Refused("approve: no challenger of %s is being tried", model)
	}
	return "taken", nil
}

func (n *notes) Rollback(_ context.Context, id, model string, r schemas.RollbackRequest) (schemas.SwitchResult, error) {
	n.heard = append(n.heard, fmt.Sprint(id, " roll back ", model, " ", r.Digest, r.Reason, " by ", r.Actor))
	return schemas.SwitchResult{Champion: schemas.AliasEntry{Package: servingtest.Ref(6), Since: begin, Actor: r.Actor, Reason: r.Reason},
		Confirmed: []string{"api-1"}, Unconfirmed: []string{"api-2"}, Note: "1 of 2"}, nil
}

// posted sends a body with a key.
func (h *house) posted(t testing.TB, path, secret, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-Id", "r1")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	a := answer{status: recorder.Code, header: recorder.Header(), raw: recorder.Body.Bytes()}
	if err := json.Unmarshal(a.raw, &a.body); err != nil {
		t.Fatalf("%s: %d %q is not JSON: %v", path, a.status, a.raw, err)
	}
	return a
}

// Acts on models need the role, say why, and carry the key's identity.
func TestOperatorsAct(t *testing.T) {
	t.Parallel()
	h, key := locked(t, access.Wanted{Name: "board", Role: RolePredict}, access.Wanted{Name: "anna", Role: RoleOperate})
	heard := &notes{}
	o := h.options
	o.Gate, o.Operator, o.Metrics = h.gate, heard, prometheus.NewRegistry()
	h.Engine = newEngine(o)
	d := read(t)
	const models = "/v1/models/punctuality/"
	for _, test := range []struct {
		act, key, body string
		status         int
		detail         string
	}{
		{"promote", "anna", `{"version": 8, "reason": "better at night", "now": true}`, 202, ""},
		{"reject", "anna", `{"digest": "d8", "reason": "worse"}`, 200, ""},
		{"rollback", "anna", `{"reason": "complaints"}`, 200, ""},
		{"approve", "anna", `{"digest": "d8", "reason": "good"}`, 409, "no challenger of punctuality is being tried"},
		{"approve", "anna", `{"reason": "good"}`, 400, "digest is required"},
		{"rollback", "anna", `{}`, 400, "reason is required"},
		{"rollback", "anna", `{"reason": "` + strings.Repeat("ü", 1001) + `"}`, 400, "1001 characters"},
		{"promote", "anna", `{"version": -1, "reason": "x"}`, 400, "version=-1"},
		{"promote", "anna", `{"vesion": 1, "reason": "x"}`, 400, `unknown field "vesion"`},
		{"promote", "board", `{"reason": "x"}`, 403, "needs operate"},
		{"rollback", "", `{"reason": "x"}`, 401, "needs an API key of the role operate"},
	} {
		a := h.posted(t, models+test.act, key[test.key], test.body)
		if detail, _ := a.body["detail"].(string); a.status != test.status || !strings.Contains(detail, test.detail) {
			t.Errorf("%s by %s: %d %s, want %d %s", test.act, test.key, a.status, a.raw, test.status, test.detail)
			continue
		}
		described := d.Paths["/v1/models/{name}/"+test.act]["post"].Responses[fmt.Sprint(a.status)]
		if a.status < 300 {
			for _, problem := range d.check(described.Content["application/json"].Schema, a.body, "") {
				t.Errorf("%s: %s", test.act, problem)
			}
		} else if len(described.Content) == 0 && described.Ref == "" {
			t.Errorf("%s: the document has no %d", test.act, a.status)
		}
	}
	if len(heard.heard) != 4 {
		t.Fatalf("asked %q", heard.heard)
	}
	for i, want := range []string{"r1 promote punctuality {8  better at night true} by anna (key ", "r1 opine punctuality false {d8 anna (key ", "r1 roll back punctuality complaints by anna (key "} {
		if !strings.HasPrefix(heard.heard[i], want) {
			t.Errorf("asked %q, want %q", heard.heard[i], want)
		}
	}
	if a := h.posted(t, "/v1/models/other/rollback", key["anna"], `{"reason": "x"}`); a.status != 404 {
		t.Errorf("another model: %d", a.status)
	}
}

// What one key says of a forecast is shown to it and to operators, and no other
// key can replace it, not even under the same request id.
func TestFeedbackIsTheKeysOwn(t *testing.T) {
	t.Parallel()
	h, key := locked(t, access.Wanted{Name: "a", Role: RolePredict}, access.Wanted{Name: "b", Role: RolePredict}, access.Wanted{Name: "ops", Role: RoleOperate})
	bearer := func(name string) []string { return []string{"Authorization", "Bearer " + key[name]} }
	made := h.with(t, "/v1/forecasts?stop_id="+url.QueryEscape(string(departure(2, 50).Stop)), bearer("a")...)
	id := made.body["forecast"].(map[string]any)["prediction_id"].(string)
	for name, comment := range map[string]string{"a": "seen by a", "b": "seen by b"} {
		if a := h.posted(t, "/v1/feedback", key[name], fmt.Sprintf(`{"prediction_id": %q, "kind": "useful", "comment": %q}`, id, comment)); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
	}
	for name, want := range map[string][2]bool{"a": {true, false}, "b": {false, true}, "ops": {true, true}} {
		text := string(h.with(t, "/v1/predictions/"+id, bearer(name)...).raw)
		if got := [2]bool{strings.Contains(text, "seen by a"), strings.Contains(text, "seen by b")}; got != want {
			t.Errorf("%s sees %v, want %v: %s", name, got, want, text)
		}
	}
}
