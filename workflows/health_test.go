package workflows

import (
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/schemas"
)

func TestCollectCard(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 10, 29, 10, 5, 0, 0, time.UTC)
	result := schemas.CollectResult{Group: "main", Through: at, Unknown: []string{`ar/@occ 7 times, first "low" in rchg/1/x.xml`},
		Health: schemas.GroupHealth{Stations: 60, Waiting: 12, PutOff: 14, Budget: 48, Failing: 1, Gaps: 1, SilenceSeconds: 200, SilentEVA: 8000105,
			OldestGap: at.Add(-4 * time.Minute), Worst: []schemas.StationHealth{{EVA: 8000150, Failures: 3, Asked: 60, Answered: 45,
				LastOK: at.Add(-3 * time.Minute), GapSince: at.Add(-4 * time.Minute), Error: "status 500: \"a|b\nc\""}}}}
	card := collectCard(1, 1, result)
	for _, want := range []string{
		"### Collecting main\n1 of 1 windows, through 2024-10-29T10:05:00Z",
		"**60 stations**: 1 failing, 1 with a gap that no fchg has healed (oldest since 10-29 10:01:00 UTC); longest silence 3m20s (8000105).",
		"14 calls were put off to later windows, since the source's limit leaves 48 a window to this group; 12 stations wait for the next one",
		"| 8000150 | 10-29 10:02:00 | 3 | 45 of 60 | 10-29 10:01:00 | status 500: \"a/b c\" |",
		"- `ar/@occ 7 times, first \"low\" in rchg/1/x.xml`",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the card lacks %q:\n%s", want, card)
		}
	}
	well := collectCard(1, 1, schemas.CollectResult{Group: "main", Through: at, Health: schemas.GroupHealth{Stations: 60}})
	if strings.Contains(well, "| station |") || strings.Contains(well, "put off") || !strings.Contains(well, "0 failing, 0 with a gap") {
		t.Errorf("all is well:\n%s", well)
	}
}

func TestFirstNames(t *testing.T) {
	t.Parallel()
	names := firstNames([]string{"ar/@occ 7 times"}, []string{"ar/@occ 9 times", "s/aura 1 times", "s/aura 2 times"})
	if want := []string{"ar/@occ 7 times", "s/aura 1 times"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	many := make([]string, 50)
	for i := range many {
		many[i] = strings.Repeat("x", i+1) + " 1 times"
	}
	if n := len(firstNames(nil, many)); n != 20 {
		t.Errorf("%d names, want 20", n)
	}
}
