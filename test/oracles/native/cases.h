/* The execution of cases. */
#pragma once

#include "machine.h"

/* Once in each child: signal handlers on their own stack. */
void prepare_cases(void);

/* Writes the result behind r, and answers where the next one goes. */
struct result_record *run_case(const struct case_record *c, struct result_record *r);
