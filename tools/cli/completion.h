/*
 * completion.h: what a shell needs to complete an executable's command line: a script made from the
 * same table as --help, and the names that are in regions.cfg, which the scripts ask for.
 *
 * Sources: bash(1) "Programmable Completion", zshcompsys(1) "_arguments", fish's complete(1).
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli/app.h"

/*
 * Prints what --completion asks for: the script of "bash", "zsh" or "fish", or the "regions" or
 * "accounts" of regions.cfg, a line each. The exit status.
 */
int completion_print(struct app *app);

#endif
