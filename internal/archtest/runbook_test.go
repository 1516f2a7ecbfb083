package archtest_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestRunbookQueriesRun: whoever is called at night copies them as they stand.
func TestRunbookQueriesRun(t *testing.T) {
	t.Parallel()
	queries := regexp.MustCompile("`(SELECT [^`]{12,})`").FindAllStringSubmatch(readFile(t, "docs", "runbook.md"), -1)
	require.GreaterOrEqual(t, len(queries), 6)
	options := testenv.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options(options))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	ask := func(query string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, options.Addr+"/?database="+options.Database, strings.NewReader(query))
		require.NoError(t, err)
		request.SetBasicAuth(options.User, options.Password)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	for _, query := range queries {
		status, body := ask(query[1])
		require.Equal(t, http.StatusOK, status, "%s\n%s", query[1], body)
	}
	status, _ := ask("SELECT nothing FROM poll")
	require.NotEqual(t, http.StatusOK, status, "a wrong query must fail")
}

// TestRunbookKnowsEveryFailure: the table of failures has a row for each type a
// workflow can end with.
func TestRunbookKnowsEveryFailure(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs", "runbook.md")
	for _, kind := range []schemas.FailureType{schemas.FailureInvalidInput, schemas.FailureNothingToDo, schemas.FailureAlreadyRunning,
		schemas.FailureValidation, schemas.FailureIntegrity, schemas.FailureConflict, schemas.FailureNotFound} {
		require.Contains(t, page, "| `"+string(kind)+"` |")
	}
}
