/* The guest's flat image, carried inside the hypervisor. */

        .section .rodata
        .balign 4096
        .globl guest_image, guest_image_end
guest_image:
        .incbin GUEST_IMAGE
guest_image_end:
