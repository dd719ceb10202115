// Package chaos holds tests that run the real argus-fleet process and treat it
// as the world does: killed in the middle, out of disk, with files half
// written, with clients that never finish, and with tokens that change under it.
package chaos
