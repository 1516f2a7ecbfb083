package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"puenktlich/internal/feature"
	"puenktlich/internal/testenv"
)

// pythonClients are the outside programs. They are kept in set-up's cache.
func pythonClients() []string {
	return []string{"numpy", "pyarrow", "requests", "tritonclient[http]", "pandas", "scipy", "mlflow-skinny==3.17.2"}
}

// Unmodified clients of Triton, Arrow and MLflow's protocol get the bits of
// forecasts by stop.
func TestOutsideClients(t *testing.T) {
	t.Parallel()
	python, path, err := testenv.Python(t.Context(), "python-protocols-2", pythonClients()...)
	if err != nil {
		t.Skipf("the protocols were NOT checked with the clients of Triton, Arrow and MLflow: %v; a Python with pip that can obtain %s is needed", err, strings.Join(pythonClients(), ", "))
	}
	h := open(t)
	k := twoTrains(t, h)
	server := httptest.NewServer(h)
	defer server.Close()
	given := map[string]any{"names": feature.Names()}
	var vectors []json.RawMessage
	var horizons, onTime, cancelled []float64
	var cumulative [][]float64
	for i, f := range k.forecasts {
		one := known{vectors: k.vectors[i : i+1]}
		vectors = append(vectors, json.RawMessage(one.rows("[", ",", "]", number32)))
		horizons, onTime, cancelled = append(horizons, f.HorizonMinutes), append(onTime, f.POnTime), append(cancelled, f.PCancelled)
		var edges []float64
		for _, edge := range f.Cumulative {
			edges = append(edges, edge.P)
		}
		cumulative = append(cumulative, edges)
	}
	given["vectors"], given["horizons"], given["on_time"], given["cancelled"], given["cumulative"] = vectors, horizons, onTime, cancelled, cumulative
	input, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "testdata/interop.py", strings.TrimPrefix(server.URL, "http://"))
	command.Env = append(os.Environ(), "PYTHONPATH="+path, "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1", "NO_PROXY=*")
	command.Stdin = bytes.NewReader(input)
	out, err := command.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, exit.Stderr)
	}
	var got struct {
		Wrong   []string
		Checked int
	}
	if err := errors.Join(err, json.Unmarshal(out, &got)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, wrong := range got.Wrong {
		t.Error(wrong)
	}
	if t.Logf("%d checks", got.Checked); got.Checked < 41 {
		t.Errorf("%d checks ran, want 41 at least", got.Checked)
	}
}
