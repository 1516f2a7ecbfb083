package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/schemas"
)

// TestRollbackNamesTheInstanceThatDidNotConfirm: two API processes serve a
// champion, one of them stands still and another was killed. The update answers
// once the time to confirm is over, names them, and the alias is switched; the one
// that went on serves the package before, and so does the other once it goes on.
func TestRollbackNamesTheInstanceThatDidNotConfirm(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.collectMorning()
	versions := []schemas.PackageRef{s.tinyPackage(1), s.tinyPackage(2)}
	ask := promoter{s.temporal}
	s.promote(versions[0])
	well, stopped, killed := s.newServer("well"), s.newServer("stopped"), s.newServer("killed")
	for _, one := range []*server{well, stopped, killed} {
		one.start()
	}
	s.awaitLeases(3)
	switched := s.promote(versions[1])
	require.ElementsMatch(t, []string{"well", "stopped", "killed"}, switched.Confirmed)
	require.Empty(t, switched.Unconfirmed)

	require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGSTOP))
	goOn := func() { _ = stopped.cmd.Process.Signal(syscall.SIGCONT) } // else it could not end
	t.Cleanup(goOn)
	killed.kill()
	killed.cmd = nil
	began := time.Now()
	back, err := ask.Rollback(t.Context(), "", schemas.DefaultModel, schemas.RollbackRequest{Actor: "anna", Reason: "it is worse"})
	took := time.Since(began)
	require.NoError(t, err)
	t.Logf("%s after %.1f s", back.Note, took.Seconds())
	require.Equal(t, versions[0].Digest, back.Champion.Package.Digest)
	require.Equal(t, []string{"well"}, back.Confirmed)
	require.ElementsMatch(t, []string{"stopped", "killed"}, back.Unconfirmed)
	require.Equal(t, "1 of 3 leased API instances serve it", back.Note)
	require.GreaterOrEqual(t, took, 29*time.Second, "they had their time to confirm")
	require.Equal(t, versions[0].Digest, s.served(well))

	goOn()
	require.Eventually(t, func() bool { return s.served(stopped) == versions[0].Digest }, time.Minute, 100*time.Millisecond, "it follows the alias by itself")
}
