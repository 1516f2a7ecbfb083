package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/localstack"
	"puenktlich/internal/modelpkg"
	"puenktlich/schemas"
)

// TestRolesAgainstServersGivenByAddress boots every role as a process of its
// own, with nothing but addresses in its environment, as containers would.
func TestRolesAgainstServersGivenByAddress(t *testing.T) {
	t.Parallel()
	p := program{environ: os.Environ(), out: &bytes.Buffer{}, err: os.Stderr}
	components, err := p.setUp(t.Context())
	require.NoError(t, err)
	servers, err := localstack.Start(t.Context(), localstack.Options{DataDir: t.TempDir(), Components: components, EngineCommand: []string{os.Args[0], "engine"},
		SearchAttributes: []localstack.SearchAttribute{{Name: schemas.AttributeModel, Type: enums.INDEXED_VALUE_TYPE_KEYWORD}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Stop(t.Context())) })
	at := servers.Addresses()
	timetables, listen := freeAddress(t), freeAddress(t)
	c := config.Config{DataDir: t.TempDir(), TemporalAddress: at.Temporal, TemporalNamespace: "default", S3Endpoint: at.S3Endpoint, S3Region: "us-east-1",
		S3AccessKey: at.S3AccessKey, S3SecretKey: at.S3SecretKey, S3Bucket: "external", ClickHouseAddress: "http://" + at.ClickHouseAddr,
		ClickHouseUser: at.ClickHouseUser, ClickHousePassword: at.ClickHousePassword, ClickHouseDatabase: "external", Source: config.SourceSimulation,
		TimetablesURL: "http://" + timetables + "/timetables/v1", Seed: 1, Listen: listen, Instance: "external-1", LibXGBoost: components.LibXGBoost, CallsPerMinute: 60, FullEvery: time.Hour, LeaseEvery: time.Minute}
	c.SigningKey = filepath.Join(t.TempDir(), "signing-key.pem")
	key, err := modelpkg.LoadOrCreateKey(c.SigningKey)
	require.NoError(t, err)
	role := roles{t: t, environ: append(os.Environ(), c.Environ()...)}
	// The API has a disk of its own and the public key alone.
	disk := t.TempDir()
	serving := roles{t: t, environ: append(slices.Clone(role.environ), "PUENKTLICH_DATA_DIR="+disk, "PUENKTLICH_SIGNING_KEY=", "PUENKTLICH_TRUSTED_KEYS="+string(key.Public().PEM()))}
	role.start("simulate", "--listen", timetables)
	role.finish("migrate")
	figures := freeAddress(t)
	role.environ = append(role.environ, "PUENKTLICH_METRICS_LISTEN="+figures)
	role.start("worker", "--pool", "control,collect,prepare,release,score")
	role.environ = role.environ[:len(role.environ)-1]
	role.start("worker", "--pool", "train")
	role.finish("schedule", "apply")
	serving.start("api")
	answers(t, "http://"+listen+"/healthz", http.StatusOK)
	answers(t, "http://"+listen+"/readyz", http.StatusServiceUnavailable) // no champion yet
	role.finish("first-start", "--days", "3")
	answers(t, "http://"+listen+"/readyz", http.StatusOK)
	require.NoFileExists(t, filepath.Join(disk, "signing-key.pem"))
	role.finish("first-start") // has nothing to do
	a, err := connect(t.Context(), c, clock.Live(time.Now), p)
	require.NoError(t, err)
	defer a.close()
	collected, err := execute[schemas.CollectResult](t.Context(), a, schemas.CollectID("main"), schemas.WorkflowCollect, schemas.CollectInput{})
	require.NoError(t, err)
	require.Equal(t, "main", collected.Group)
	plan, err := a.db.Days(t.Context(), "simulation")
	require.NoError(t, err)
	require.NotEmpty(t, plan.FirstPlanned, "what the worker collected is in the given ClickHouse")
	workerTells(t, figures)
	nightOf(t, a, listen)
	scheduling(t, a)
}

// roles starts processes of this program.
type roles struct {
	t       *testing.T
	environ []string
}

func (r roles) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env, cmd.Dir = r.environ, r.t.TempDir()
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd
}

// finish runs a role that ends by itself.
func (r roles) finish(args ...string) {
	r.t.Helper()
	require.NoError(r.t, r.command(args...).Run(), "%v", args)
}

// start runs a role until the test ends; SIGTERM must end it with code 0.
func (r roles) start(args ...string) {
	r.t.Helper()
	cmd := r.command(args...)
	require.NoError(r.t, cmd.Start())
	r.t.Cleanup(func() {
		require.NoError(r.t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(r.t, cmd.Wait(), "%v ends cleanly", args)
	})
}

func answers(t *testing.T, url string, status int) {
	t.Helper()
	require.Eventually(t, func() bool {
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == status
	}, 30*time.Second, 100*time.Millisecond, url)
}
