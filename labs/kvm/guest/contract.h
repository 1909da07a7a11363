/* What the guests and the program that runs them have agreed upon. */

#ifndef CONTRACT_H
#define CONTRACT_H

#define GUEST_MEMORY 0x200000
#define GUEST_PAGE_TABLES 0x1000
#define GUEST_STACK 0x7000
/* Where their images lie (Makefile): apart, so that an address tells whose code it is. */
#define REAL_MODE_BASE 0x6000
#define LONG_MODE_BASE 0x7000

/* Each byte written there is a character of the console. */
#define CONSOLE_PORT 0xe9
/* Guest-physical: no memory is there. */
#define DEVICE 0x200000

#endif
