package modelpkg_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/testenv"
)

// pythonSetting names an interpreter that has the packages below.
const pythonSetting = "PUENKTLICH_TEST_PYTHON"

// pythonPackages are the outside programs. They are kept in set-up's cache, under
// a number that changes with them.
var pythonPackages = []string{"numpy", "pandas", "xgboost-cpu==3.2.0", "mlflow-skinny==3.17.2", "model-signing==1.1.1", "pyopenssl"}

// MLflow's own loader gives our probabilities, calibrated and by bucket, and
// OpenSSF's own tool accepts our signature and refuses a changed package.
func TestOutsideProgramsReadThePackage(t *testing.T) {
	t.Parallel()
	python, path, err := findPython(t.Context())
	if err != nil {
		t.Skipf("the package was NOT checked against MLflow, XGBoost in Python and OpenSSF Model Signing: %v; set %s to a Python that has %s",
			err, pythonSetting, strings.Join(pythonPackages, ", "))
	}
	dir, _, key := signed(t)
	public := filepath.Join(t.TempDir(), "public.pem")
	must(t, os.WriteFile(public, key.Public().PEM(), 0o644))
	command := exec.CommandContext(t.Context(), python, "testdata/check_package.py", dir, public)
	command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1")
	if path != "" {
		command.Env = append(command.Env, "PYTHONPATH="+path)
	}
	out, err := command.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, exit.Stderr)
	}
	must(t, err)
	comparePython(t, out, contents(t).Golden)
	wantIntegrity(t, modelpkg.Verify(dir), "CARD.md", "bytes") // and nothing else was changed or left
}

func comparePython(t *testing.T, out []byte, golden []modelpkg.GoldenRow) {
	t.Helper()
	var got struct {
		Cumulative         [][]float64
		OnTime             []float64 `json:"on_time"`
		Cancelled          []float64
		Columns, Signature bool
		Refusal            string
		Missing            int
	}
	must(t, json.Unmarshal(out, &got))
	worst := 0.0
	differ := func(a, b float64) { worst = max(worst, math.Abs(a-b)) }
	for i, want := range golden {
		differ(got.Cancelled[i], want.Cancelled)
		differ(got.OnTime[i], want.Cumulative[rail.OnTimeEdge])
		for k, p := range want.Cumulative {
			differ(got.Cumulative[i][k], p)
		}
	}
	t.Logf("%d golden rows, %d values missing, largest difference %g", len(golden), got.Missing, worst)
	if worst > 1e-6 || got.Missing == 0 {
		t.Errorf("largest difference %g with %d missing values, want at most 1e-6 with some", worst, got.Missing)
	}
	if !got.Columns || !got.Signature || !strings.Contains(got.Refusal, "CARD.md") {
		t.Errorf("outside programs say %s", out)
	}
}

// findPython answers an interpreter and what to put on its path.
func findPython(ctx context.Context) (python, path string, err error) {
	if python := os.Getenv(pythonSetting); python != "" {
		return python, "", nil
	}
	return testenv.Python(ctx, "python-modelpkg-1", pythonPackages...)
}
