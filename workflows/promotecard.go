package workflows

import (
	"fmt"
	"strings"

	"puenktlich/schemas"
)

// card is the rollout told as Markdown.
func (p *promotion) card() string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("## %s", versionName(p.plan.Package)))
	switch {
	case p.result.Outcome != "":
		b.WriteString(fmt.Sprintf(": **%s**\n%s\n\n", p.result.Outcome, p.result.Reason))
	case p.stage != "":
		b.WriteString(fmt.Sprintf(" in **%s**\n%s\n\n", p.stage, p.waitsFor()))
	}
	b.WriteString(fmt.Sprintf("Asked for by %s: %s\n", p.in.Actor, p.in.Reason))
	if len(p.result.Judged) > 0 {
		b.WriteString("\n| stage | settled days | events | Brier | of the other | difference | 95 % | next |\n|---|--:|--:|--:|--:|--:|---|---|\n")
		for _, j := range p.result.Judged {
			b.WriteString(fmt.Sprintf("| %s | %d | %d | %.4f | %.4f | %+.4f | %s | %s |\n", j.Stage, j.Count, j.Events, j.Brier, j.BrierReference, j.Difference, interval(j), j.Next))
		}
		last := p.result.Judged[len(p.result.Judged)-1]
		for _, reason := range last.Reasons {
			b.WriteString("\n- " + reason)
		}
		b.WriteString("\n")
	}
	if p.result.Switch != nil {
		b.WriteString("\n" + switchCard(*p.result.Switch))
	}
	b.WriteString(fmt.Sprintf("\n\nThe long-lived workflow is `%s`: it takes the updates `%s`, `%s` and `%s`.", schemas.ModelID(p.plan.Package.Model),
		schemas.UpdateApprove, schemas.UpdateReject, schemas.UpdateRollback))
	return b.String()
}

func interval(j schemas.Judgement) string {
	if j.Low == nil || j.High == nil {
		return "-"
	}
	return fmt.Sprintf("%+.4f to %+.4f", *j.Low, *j.High)
}

func (p *promotion) waitsFor() string {
	switch {
	case p.stage == schemas.StageApproval && p.until.IsZero():
		return "Its gates hold; it waits for a person's approval."
	case p.stage == schemas.StageApproval:
		return "Its gates hold; it waits for a person's approval until " + p.until.Format(minute) + ", and is rejected then."
	}
	return "It is judged on truth whenever a day has settled."
}
