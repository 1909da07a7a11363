#ifndef GUESTS_H
#define GUESTS_H

/* A real-mode and a 64-bit guest, one after the other. `kvm` is /dev/kvm. */
void run_two_guests(int kvm);

/* Linux, from the files of its kernel and of its initial RAM disk, with the console as its serial port, until it resets. */
void run_linux(int kvm, int kernel, int initrd);

#endif
