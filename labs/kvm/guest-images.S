.section .rodata

.globl real_mode_image, real_mode_image_end, long_mode_image, long_mode_image_end
real_mode_image:
	.incbin REAL_MODE_IMAGE
real_mode_image_end:
long_mode_image:
	.incbin LONG_MODE_IMAGE
long_mode_image_end:
