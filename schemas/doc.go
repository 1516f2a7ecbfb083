// Package schemas holds what outlives a process: inputs and results of
// workflows and activities, task queues, workflow IDs, search attributes and
// the types of failures. It imports no other package of ours, so that every
// room of the house may speak its language.
//
// Times are domain times in UTC unless a field says otherwise; day fields are
// calendar days in German local time, written 2006-01-02; ranges are half-open.
// A zero AsOf means now, by the domain's clock.
package schemas
