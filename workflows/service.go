package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/schemas"
)

// maxReports bounds what waits for a judgement, and so its payload.
const maxReports = 50

// serviceChange marks runs that judge how packages serve.
const serviceChange = "judge-service"

// actorPolicy acts on reports.
const actorPolicy = "policy"

// judgeService judges what instances reported with their leases: a challenger
// that fails or is slow is rejected, a new champion is rolled back.
func (m *model) judgeService(ctx workflow.Context, reports []schemas.ServiceReport) {
	if len(reports) == 0 || workflow.GetVersion(ctx, serviceChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	m.count(reports)
	m.reports = append(m.reports, reports...)
	m.reports = m.reports[max(0, len(m.reports)-maxReports):]
	in := schemas.ServiceInput{Model: m.name, Reports: m.reports, Rollout: m.plan}
	if m.challenger != nil {
		in.Challenger = &m.challenger.Package
	}
	var steps *release.Activities
	var verdict schemas.ServiceVerdict
	if err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "judge how packages serve")), steps.JudgeService, in).Get(ctx, &verdict); err != nil {
		workflow.GetLogger(ctx).Warn("how packages serve was not judged", "error", err)
		return
	}
	if verdict.Act != schemas.ServiceWait {
		m.reports = nil
	}
	if err := m.actOnService(ctx, verdict); err != nil {
		workflow.GetLogger(ctx).Error("what follows from how packages serve was not done", "act", verdict.Act, "error", err)
	}
}

// maxServed bounds the packages that are counted during a stage.
const maxServed = 8

// count adds reports to what each package did since the stage began.
func (m *model) count(reports []schemas.ServiceReport) {
	if m.rollout == "" {
		return
	}
	for _, report := range reports {
		at := slices.IndexFunc(m.served, func(s schemas.ServiceReport) bool { return s.Digest == report.Digest })
		if at < 0 && len(m.served) == maxServed {
			continue
		}
		if at < 0 {
			at = len(m.served)
			m.served = append(m.served, schemas.ServiceReport{Digest: report.Digest, Role: report.Role, Slower: make([]int, len(schemas.LatencyEdges()))})
		}
		total := &m.served[at]
		total.Forecasts, total.Failed = total.Forecasts+report.Forecasts, total.Failed+report.Failed
		for i := range min(len(total.Slower), len(report.Slower)) {
			total.Slower[i] += report.Slower[i]
		}
	}
}

// actOnService leaves to a rollout what it can do itself: to reject its challenger,
// or to take back the champion that it watches.
func (m *model) actOnService(ctx workflow.Context, v schemas.ServiceVerdict) error {
	if v.Act != schemas.ServiceReject && v.Act != schemas.ServiceRollback {
		return nil
	}
	if m.rollout != "" && m.challenger != nil && m.challenger.Package.Digest == v.Package.Digest {
		given := schemas.Opinion{Actor: actorPolicy, Reason: v.Reason, Evidence: v.Evidence}
		err := workflow.SignalExternalWorkflow(ctx, m.rollout, "", schemas.SignalOpinion, given).Get(ctx, nil)
		if err == nil {
			return nil
		}
		workflow.GetLogger(ctx).Warn("the rollout does not take the opinion", "rollout", m.rollout, "error", err)
	}
	if v.Act == schemas.ServiceReject {
		return nil
	}
	_, err := m.change(ctx, schemas.SwitchInput{Model: m.name, Rollback: true, Digest: v.Package.Digest, Actor: actorPolicy, Reason: v.Reason, Evidence: v.Evidence, At: v.At,
		Token: fmt.Sprintf("service-%s-%d", v.Package.Digest, v.At.UnixMilli())})
	return err
}
