package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"puenktlich/schemas"
)

// approvalChange marks runs whose approval does not wait without end.
const approvalChange = "approval-days"

// approval waits for a person where the rollout wants one, for some days of domain
// time; an approval given during an earlier stage counts.
func (p *promotion) approval(ctx workflow.Context) (bool, error) {
	r := p.plan.Rollout
	if r.Approval != schemas.ApprovalRequired {
		return true, nil
	}
	if r.ShadowDays == 0 && r.CanaryDays == 0 {
		if _, err := p.challenge(ctx, p.plan.Package, schemas.ModeShadow, 0); err != nil {
			return false, err
		}
	}
	if r.ApprovalDays > 0 && workflow.GetVersion(ctx, approvalChange, workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		p.until = p.plan.AsOf.AddDate(0, 0, r.ApprovalDays)
	}
	p.at(ctx, schemas.StageApproval)
	p.status.Waiting = true
	for p.opinion == nil {
		asOf, err := p.hear(ctx)
		if err != nil {
			return false, err
		}
		if asOf.After(p.plan.AsOf) {
			p.plan.AsOf, p.status.Through = asOf, asOf
		}
		if p.opinion == nil && !p.until.IsZero() && !asOf.Before(p.until) {
			return false, p.rejected(ctx, nil, fmt.Sprintf("nobody approved it in %d days, until %s", r.ApprovalDays, p.until.Format(minute)))
		}
	}
	if !p.opinion.Approved {
		return false, p.rejected(ctx, nil, p.refusal())
	}
	return true, nil
}

// minute is how moments stand in cards and reasons.
const minute = "2006-01-02 15:04 MST"

// refusal says who rejected the package, or replaced it as champion, and why.
func (p *promotion) refusal() string {
	if p.opinion.Champion != nil {
		return fmt.Sprintf("version %d is champion again by %s: %s", p.opinion.Champion.Version, p.opinion.Actor, p.opinion.Reason)
	}
	return fmt.Sprintf("rejected by %s: %s", p.opinion.Actor, p.opinion.Reason)
}

// await judges a stage at once and at every tick until it is decided. A
// rejection by a person ends it; an approval is kept for later.
func (p *promotion) await(ctx workflow.Context, in schemas.JudgeInput) (schemas.Judgement, error) {
	in.Since, in.AsOf = p.plan.AsOf, p.plan.AsOf
	for {
		in.Service = p.service
		var judged schemas.Judgement
		summary := fmt.Sprintf("judge %s in %s as of %s", versionName(in.Candidate), in.Stage, in.AsOf.Format("2006-01-02 15:04"))
		if err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, summary)), p.steps.JudgeChallenger, in).Get(ctx, &judged); err != nil {
			return judged, err
		}
		p.keep(judged)
		p.status.Through = in.AsOf
		show(ctx, p.card())
		if judged.Next != schemas.NextWait {
			p.plan.AsOf = in.AsOf
			return judged, nil
		}
		p.status.Waiting = true
		asOf, rejected, err := p.next(ctx, in.AsOf)
		p.status.Waiting = false
		if err != nil {
			return judged, err
		}
		if rejected {
			judged.Next, judged.Reasons = schemas.NextReject, []string{p.refusal()}
			return judged, nil
		}
		in.AsOf = asOf
	}
}

// next waits for a later moment to judge at, or for a rejection.
func (p *promotion) next(ctx workflow.Context, last time.Time) (asOf time.Time, rejected bool, err error) {
	for {
		before := p.opinion
		if asOf, err = p.hear(ctx); err != nil {
			return last, false, err
		}
		if p.opinion != before && !p.opinion.Approved {
			return last, true, nil
		}
		if asOf.After(last) {
			return asOf, false, nil
		}
	}
}

// hear waits for a tick, whose moment it answers and whose figures it keeps, or for
// an opinion, which it keeps.
func (p *promotion) hear(ctx workflow.Context) (asOf time.Time, err error) {
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(p.ticks, func(c workflow.ReceiveChannel, _ bool) {
		var t schemas.Tick
		c.Receive(ctx, &t)
		asOf, p.service = t.AsOf, t.Service
	})
	selector.AddReceive(p.opinions, func(c workflow.ReceiveChannel, _ bool) {
		var given schemas.Opinion
		c.Receive(ctx, &given)
		if given.Champion == nil || p.stage == schemas.StageWatch {
			p.opinion = &given
		}
	})
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	selector.Select(ctx)
	return asOf, ctx.Err()
}
