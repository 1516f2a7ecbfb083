package workflows

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/schemas"
)

// promotion is one run of PromoteModel.
type promotion struct {
	in       schemas.PromoteInput
	plan     schemas.RolloutPlan
	result   schemas.PromoteResult
	stage    schemas.Stage
	ticks    workflow.ReceiveChannel
	opinions workflow.ReceiveChannel
	opinion  *schemas.Opinion // the last one given
	// service is how the packages did since the stage began, as of the last tick.
	service []schemas.ServiceReport
	until   time.Time // an approval is waited for; zero for without end
	steps   *release.Activities
	// status answers the query of those who step domain time.
	status schemas.RolloutStatus
}

// PromoteModel loads a package as a server would and brings it to the alias
// champion: at once where the rollout has no stages or there is no champion,
// else through shadow, canary and approval, each judged on truth at every tick,
// and watched after the switch. Only the Model workflow writes the aliases.
func PromoteModel(ctx workflow.Context, in schemas.PromoteInput) (schemas.PromoteResult, error) {
	if in.Reason == "" {
		in.Reason = "started by hand"
	}
	in.Actor = actor(in.Actor)
	p := &promotion{in: in, ticks: workflow.GetSignalChannel(ctx, schemas.SignalTick), opinions: workflow.GetSignalChannel(ctx, schemas.SignalOpinion)}
	if err := workflow.SetQueryHandler(ctx, schemas.QueryRollout, func() (schemas.RolloutStatus, error) { return p.status, nil }); err != nil {
		return p.result, err
	}
	err := p.run(ctx)
	if temporal.IsCanceledError(err) && p.stage != "" {
		if _, failed := p.withdraw(ctx, actor(""), "the rollout was cancelled"); failed != nil {
			return p.result, readable(failed)
		}
	}
	return p.result, readable(err)
}

func (p *promotion) run(ctx workflow.Context) error {
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "plan the rollout")), p.steps.PlanRollout, p.in).Get(ctx, &p.plan)
	if err != nil {
		return err
	}
	p.result.Package, p.result.Judged = p.plan.Package, []schemas.Judgement{}
	tell(ctx, schemas.AttributeModel, p.plan.Package.Model)
	tell(ctx, schemas.AttributeVersion, versionName(p.plan.Package))
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, "verify "+versionName(p.plan.Package))), p.steps.VerifyPackage, p.plan.Package).Get(ctx, nil)
	if err != nil {
		return err
	}
	if !p.plan.Immediate() && p.plan.Champion.Digest != p.plan.Package.Digest {
		if passed, err := p.tryOut(ctx); err != nil || !passed {
			return err
		}
	}
	if err := p.promote(ctx); err != nil {
		return err
	}
	return p.watch(ctx)
}

// tryOut takes the package through the stages before the switch; false where
// one of them rejected it.
func (p *promotion) tryOut(ctx workflow.Context) (bool, error) {
	r := p.plan.Rollout
	for _, stage := range []struct {
		name  schemas.Stage
		wants bool
		mode  schemas.Mode
		share float64
	}{
		{schemas.StageShadow, r.ShadowDays > 0, schemas.ModeShadow, 0},
		{schemas.StageCanary, r.CanaryDays > 0, schemas.ModeCanary, r.CanaryShare},
	} {
		if !stage.wants {
			continue
		}
		if _, err := p.challenge(ctx, p.plan.Package, stage.mode, stage.share); err != nil {
			return false, err
		}
		p.at(ctx, stage.name)
		judged, err := p.await(ctx, schemas.JudgeInput{Stage: stage.name, Candidate: p.plan.Package, Reference: *p.plan.Champion, Rollout: r})
		if err != nil || judged.Next == schemas.NextReject {
			return false, p.rejected(ctx, err, strings.Join(judged.Reasons, "; "))
		}
	}
	return p.approval(ctx)
}

// keep replaces an earlier judgement of the same stage.
func (p *promotion) keep(j schemas.Judgement) {
	if n := len(p.result.Judged); n > 0 && p.result.Judged[n-1].Stage == j.Stage {
		p.result.Judged = p.result.Judged[:n-1]
	}
	p.result.Judged = append(p.result.Judged, j)
}

// challenge puts a package beside the champion and answers the aliases afterwards.
func (p *promotion) challenge(ctx workflow.Context, candidate schemas.PackageRef, mode schemas.Mode, share float64) (aliases schemas.Aliases, err error) {
	p.service = nil
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, fmt.Sprintf("%s into %s", versionName(candidate), mode))), p.steps.RequestChallenge,
		schemas.ChallengeRequest{Package: candidate, Mode: mode, Share: share, Actor: p.in.Actor, Reason: p.in.Reason, Evidence: p.evidence(), At: p.plan.AsOf,
			Rollout: workflow.GetInfo(ctx).WorkflowExecution.ID, Plan: &p.plan.Rollout}).Get(ctx, &aliases)
	return aliases, err
}

// evidence is what is known when the rollout asks for a change of an alias, as JSON.
func (p *promotion) evidence() string {
	// The same value gives the same bytes: there is no map in it, and of one the keys would be sorted.
	//workflowcheck:ignore
	body, err := json.Marshal(struct {
		Checked string              `json:"checked"`
		Judged  []schemas.Judgement `json:"judged"`
		Opinion *schemas.Opinion    `json:"opinion,omitempty"`
		Given   string              `json:"given,omitempty"`
	}{"hashes, signature and golden rows of " + p.plan.Package.Digest, p.result.Judged, p.opinion, p.in.Evidence})
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// rejected ends the rollout and takes the challenger away; an error of the
// stage itself is handed on and leaves the alias as it is.
func (p *promotion) rejected(ctx workflow.Context, err error, reason string) error {
	if err != nil {
		return err
	}
	p.result.Outcome, p.result.Reason, p.result.Champion = schemas.OutcomeRejected, reason, *p.plan.Champion
	who := actorPolicy
	if p.opinion != nil && !p.opinion.Approved {
		who = p.opinion.Actor
	}
	if _, err := p.withdraw(ctx, who, reason); err != nil {
		return err
	}
	p.done(ctx)
	return nil
}

// withdraw clears the alias challenger, also of a cancelled run, and answers the
// aliases afterwards.
func (p *promotion) withdraw(ctx workflow.Context, who, reason string) (aliases schemas.Aliases, err error) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	challenger := p.plan.Package
	if p.stage == schemas.StageWatch {
		challenger = *p.plan.Champion
	}
	err = workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "no challenger")), p.steps.RequestChallenge,
		schemas.ChallengeRequest{Package: challenger, Actor: who, Reason: reason, Evidence: p.evidence(), At: p.plan.AsOf}).Get(ctx, &aliases)
	return aliases, err
}

func (p *promotion) promote(ctx workflow.Context) error {
	request := p.in
	request.Package, request.Evidence = p.plan.Package, p.evidence()
	if !request.AsOf.IsZero() { // a replay; else the clock says when the switch was
		request.AsOf = p.plan.AsOf
	}
	if p.opinion != nil {
		request.Actor, request.Reason = p.opinion.Actor, p.opinion.Reason
	}
	p.result.Switch = &schemas.SwitchResult{}
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, "ask "+schemas.ModelID(p.plan.Package.Model))), p.steps.RequestPromotion, request).Get(ctx, p.result.Switch)
	if err != nil {
		p.result.Switch = nil
		return err
	}
	p.result.Outcome, p.result.Reason, p.result.Champion = schemas.OutcomePromoted, request.Reason, p.plan.Package
	show(ctx, p.card())
	return nil
}

// Runs that notice that somebody else took the champion back: before it is judged or
// by an opinion, and even while the last judgement is made.
const (
	takenBackChange     = "taken-back"
	takenBackLateChange = "taken-back-late"
)

// watch keeps the champion before in shadow for some days, and brings it back
// where it turns out to be clearly better. It ends where another package is
// champion by then.
func (p *promotion) watch(ctx workflow.Context) error {
	before := p.plan.Champion
	if p.plan.Rollout.WatchDays == 0 || before == nil || before.Digest == p.plan.Package.Digest {
		p.done(ctx)
		return nil
	}
	aliases, err := p.challenge(ctx, *before, schemas.ModeShadow, 0)
	if err != nil {
		return err
	}
	p.at(ctx, schemas.StageWatch)
	if now := aliases.Champion; p.another(now) && workflow.GetVersion(ctx, takenBackChange, workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		p.opinion = opinionOf(now)
		return p.takenBack(ctx)
	}
	judged, err := p.await(ctx, schemas.JudgeInput{Stage: schemas.StageWatch, Candidate: p.plan.Package, Reference: *before, Rollout: p.plan.Rollout})
	if err != nil {
		return err
	}
	if p.opinion != nil && p.opinion.Champion != nil {
		return p.takenBack(ctx)
	}
	reason := strings.Join(judged.Reasons, "; ")
	if judged.Next == schemas.NextReject {
		err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, "roll back")), p.steps.RequestRollback, p.plan.Package.Model,
			schemas.RollbackRequest{Digest: before.Digest, Actor: actorPolicy, Reason: reason, Evidence: p.evidence(), At: p.plan.AsOf}).Get(ctx, p.result.Switch)
		if err != nil {
			return err
		}
		p.result.Outcome, p.result.Reason, p.result.Champion = schemas.OutcomeRolledBack, reason, *before
	} else if aliases, err = p.withdraw(ctx, actorPolicy, "watched: "+reason); err != nil {
		return err
	} else if now := aliases.Champion; p.another(now) && workflow.GetVersion(ctx, takenBackLateChange, workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		p.opinion = opinionOf(now) // it came back while the last judgement was made
		p.result.Outcome, p.result.Reason, p.result.Champion = schemas.OutcomeRolledBack, p.refusal(), now.Package
	}
	p.done(ctx)
	return nil
}

// another says that somebody else's package is champion.
func (p *promotion) another(now *schemas.AliasEntry) bool {
	return now != nil && now.Package.Digest != p.plan.Package.Digest
}

func opinionOf(now *schemas.AliasEntry) *schemas.Opinion {
	return &schemas.Opinion{Actor: now.Actor, Reason: now.Reason, Champion: &now.Package}
}

// takenBack ends a rollout whose package somebody else replaced as champion.
func (p *promotion) takenBack(ctx workflow.Context) error {
	p.result.Outcome, p.result.Reason, p.result.Champion = schemas.OutcomeRolledBack, p.refusal(), *p.opinion.Champion
	if _, err := p.withdraw(ctx, p.opinion.Actor, p.refusal()); err != nil {
		return err
	}
	p.done(ctx)
	return nil
}

func (p *promotion) at(ctx workflow.Context, stage schemas.Stage) {
	p.stage, p.status.Stage = stage, stage
	tell(ctx, schemas.AttributeStage, string(stage))
	show(ctx, p.card())
}

func (p *promotion) done(ctx workflow.Context) {
	tell(ctx, schemas.AttributeStage, "done")
	tell(ctx, schemas.AttributeDecision, string(p.result.Outcome))
	show(ctx, p.card())
}
