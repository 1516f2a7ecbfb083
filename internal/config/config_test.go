package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/config"
)

func TestDefaultsAreTheSimulatedRailway(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"HOME=/root"}, nil)
	require.NoError(t, err)
	require.Equal(t, config.SourceSimulation, c.Source)
	require.Equal(t, "127.0.0.1:8080", c.Listen)
	require.Equal(t, ".local", c.DataDir)
	require.Equal(t, 60, c.CallsPerMinute)
	require.Equal(t, time.Hour, c.FullEvery)
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"PUENKTLICH_LISTEN=127.0.0.1:1", "PUENKTLICH_STATIONS=8000105, 8011160"}, map[string]string{"LISTEN": "127.0.0.1:2", "S3_BUCKET": ""})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:2", c.Listen)
	require.Equal(t, []int64{8000105, 8011160}, c.Stations)
	require.Equal(t, "puenktlich", c.S3Bucket)
}

func TestPaceOfTheLiveAPI(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"PUENKTLICH_CALLS_PER_MINUTE=120", "PUENKTLICH_FULL_EVERY=0"}, nil)
	require.NoError(t, err)
	require.Equal(t, 120, c.CallsPerMinute)
	require.Zero(t, c.FullEvery)
	for _, bad := range []string{"CALLS_PER_MINUTE=0", "CALLS_PER_MINUTE=many", "FULL_EVERY=1m", "FULL_EVERY=hourly", "FULL_EVERY=-1h"} {
		_, err := config.Load([]string{"PUENKTLICH_" + bad}, nil)
		require.ErrorContains(t, err, "PUENKTLICH_"+bad[:len("FULL_EVERY")], bad)
	}
}

func TestWebhookIsAnAddressAndNoSecretIsRepeated(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"PUENKTLICH_ALERT_WEBHOOK=https://chat.example/hooks/abc"}, nil)
	require.NoError(t, err)
	require.Equal(t, "https://chat.example/hooks/abc", c.AlertWebhook)
	require.Contains(t, c.Environ(), "PUENKTLICH_ALERT_WEBHOOK=https://chat.example/hooks/abc")
	for _, bad := range []string{"chat.example/secret", "ftp://chat.example/secret", "https:///secret"} {
		_, err := config.Load([]string{"PUENKTLICH_ALERT_WEBHOOK=" + bad}, nil)
		require.ErrorContains(t, err, "PUENKTLICH_ALERT_WEBHOOK: want an address", bad)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestRhythmOfLeases(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"": time.Minute, "1s": time.Second, "10m": 10 * time.Minute} {
		c, err := config.Load([]string{"PUENKTLICH_LEASE_EVERY=" + value}, nil)
		require.NoError(t, err)
		require.Equal(t, want, c.LeaseEvery)
		again, err := config.Load(c.Environ(), nil)
		require.NoError(t, err)
		require.Equal(t, want, again.LeaseEvery, "a child process has it too")
	}
	for _, bad := range []string{"0", "999ms", "11m", "often", "60"} {
		_, err := config.Load([]string{"PUENKTLICH_LEASE_EVERY=" + bad}, nil)
		require.ErrorContains(t, err, "PUENKTLICH_LEASE_EVERY: \""+bad+"\": want a time such as 1m", bad)
	}
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{"PUENKTLICH_SORCE=live", "PUENKTLICH_SEED=x", "PUENKTLICH_SOURCE=live"}, nil)
	require.ErrorContains(t, err, "PUENKTLICH_SORCE: no such setting")
	require.ErrorContains(t, err, `PUENKTLICH_SEED: "x": want a whole number`)
	require.ErrorContains(t, err, "needs PUENKTLICH_CLIENT_ID and PUENKTLICH_API_KEY")
}

// A saved environment has one line a setting; a key is read back as it was.
func TestKeysInTheEnvironment(t *testing.T) {
	t.Parallel()
	const key = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n"
	c, err := config.Load([]string{"PUENKTLICH_TRUSTED_KEYS=" + key}, nil)
	require.NoError(t, err)
	for _, line := range c.Environ() {
		require.NotContains(t, line, "\n")
	}
	again, err := config.Load(c.Environ(), nil)
	require.NoError(t, err)
	text, inline := config.PEM(again.TrustedKeys)
	require.True(t, inline)
	require.Equal(t, strings.TrimSpace(key), text)
	_, inline = config.PEM("/keys/a.pem,/keys/b.pem")
	require.False(t, inline)
}
