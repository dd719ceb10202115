// Package analytics asks ClickHouse, over its HTTP interface, the four
// questions about one guild's use of its bots. It is the one place where the
// control plane touches data of single guilds, so it fails closed: a Client
// answers nothing unless it was told that a viewer token guards it.
//
// The events are what argus-dpy's history sink writes to the table
// argus_events. A bot, not the control plane, makes that table, on its first
// event.
package analytics
