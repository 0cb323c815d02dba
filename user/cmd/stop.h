/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Being told to stop: the first SIGINT or SIGTERM ends cleanly, the second kills.
 */
#ifndef IMS_STOP_H
#define IMS_STOP_H

#include <stdbool.h>

void stop_catch(void);
/* The signal, or 0. */
int stop_requested(void);
/* It came from the terminal, so our child has got it, too. */
bool stop_from_terminal(void);

#endif
