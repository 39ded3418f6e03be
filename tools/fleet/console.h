/*
 * console.h: who an instance is, by what it wrote to its serial console, which AWS hands out and
 * nobody in the network between can change (fleet.host_key = "console").
 */
#ifndef FLEET_CONSOLE_H
#define FLEET_CONSOLE_H

#include "fleet/instance.h"
#include "ssh/ssh.h"

/* What the configuration's host_key says to make of an instance of which no key is on record. */
enum ssh_trust console_trust(const struct config *c);

/*
 * Before the first connection to an instance: with host_key = "console", and none of its host keys
 * on record, puts there what its console has. AWSQ_EINVAL when it has none, and what else reading
 * it and the record may end with; err says what could be done. With any other host_key it does
 * nothing.
 */
int console_identify(struct region *r, const char *instance_id, struct awsq_err *err);

/*
 * After an instance was made, while it boots for the first time, which is when its keys are
 * written: with host_key = "console", waits until they are on its console, while it is on, and puts
 * them on record. What goes wrong is a warning: the next use asks again. deadline_ms is on
 * region_now_ms's clock; one that has passed is good for one look. The user may cut the wait short;
 * nothing else is canceled by that.
 */
void console_await(struct region *r, const struct instance *made, int64_t deadline_ms);

/* How long to wait: for all instances of a region together, since they are on meanwhile. */
#define CONSOLE_AWAIT_MS (5 * 60 * 1000)

#endif
