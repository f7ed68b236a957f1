// The step between the daemon's spawn and a program with `user=`; x64.S tells what it does and why it is made this way.
//
//     aarch64-linux-gnu-as -o run-as.o arm64.S && aarch64-linux-gnu-objcopy -O binary -j .text run-as.o bin/run-as-arm64

        .include "elf.inc"
        elf_header machine=183

        .set    SYS_chdir, 49
        .set    SYS_writev, 66
        .set    SYS_exit_group, 94
        .set    SYS_setresuid, 147
        .set    SYS_setresgid, 149
        .set    SYS_setgroups, 159
        .set    SYS_execve, 221

// The kernel puts argc, then the pointers of argv, a null pointer, and those of envp on the stack.
        .set    UID, 16
        .set    GID, 24
        .set    GROUPS, 32
        .set    DIRECTORY, 40
        .set    FILE, 48
        .set    ARGV0, 56
        .set    LEAST_ARGC, 7

start:
        mov     x19, sp
        ldr     x0, [x19]
        cmp     x0, #LEAST_ARGC
        b.lo    exit
        add     x20, x19, x0, lsl #3
        add     x20, x20, #16                   // envp

// Every group becomes four bytes below the stack pointer, which must stay aligned; no signal handler can overwrite them.
        ldr     x1, [x19, #GROUPS]
        mov     x9, sp
        mov     w10, #0
        ldrb    w2, [x1]
        cbz     w2, 2f
1:      bl      number
        str     w0, [x9, #-4]!
        add     w10, w10, #1
        cbnz    w2, 1b
2:      mov     w0, w10
        mov     x1, x9
        mov     x8, #SYS_setgroups
        svc     #0
        adr     x23, no_groups
        cbnz    x0, cannot_setuid

        ldr     x1, [x19, #GID]
        bl      number
        mov     w1, w0
        mov     w2, w0
        mov     x8, #SYS_setresgid
        svc     #0
        adr     x23, no_group
        cbnz    x0, cannot_setuid

        ldr     x1, [x19, #UID]
        bl      number
        mov     w1, w0
        mov     w2, w0
        mov     x8, #SYS_setresuid
        svc     #0
        adr     x23, no_user
        cbnz    x0, cannot_setuid

        ldr     x0, [x19, #DIRECTORY]
        ldrb    w1, [x0], #1
        cbz     w1, 3f
        mov     x22, x0
        mov     x8, #SYS_chdir
        svc     #0
        adr     x21, chdir_text
        cbnz    x0, because

3:      ldr     x0, [x19, #FILE]
        add     x1, x19, #ARGV0
        mov     x2, x20
        mov     x8, #SYS_execve
        svc     #0
        adr     x21, exec_text
        ldr     x22, [x19, #ARGV0]

// x21 tells what could not be done, x22 with what, x0 is the negative errno.
because:
        neg     x0, x0
        cmp     x0, #ERRNO_COUNT
        csel    x0, x0, xzr, lo
        adr     x23, errno_names
        add     x23, x23, x0, lsl #4
        b       report

cannot_setuid:
        adr     x21, setuid_text
        ldr     x22, [x19, #UID]

// Writes x21, x22, ": ", x23 and the last line in one call: the stack grows downwards, so the last piece comes first.
report:
        adr     x1, tail
        bl      piece
        mov     x1, x23
        bl      piece
        adr     x1, colon
        bl      piece
        mov     x1, x22
        bl      piece
        mov     x1, x21
        bl      piece
        mov     x0, #2
        mov     x1, sp
        mov     x2, #5
        mov     x8, #SYS_writev
        svc     #0
exit:   mov     x0, #127
        mov     x8, #SYS_exit_group
        svc     #0

// Pushes the struct iovec of the text at x1.
piece:
        mov     x2, #0
5:      ldrb    w3, [x1, x2]
        cbz     w3, 6f
        add     x2, x2, #1
        b       5b
6:      stp     x1, x2, [sp, #-16]!
        ret

// Reads the decimal number at x1 into w0. w2 is the character behind it, x1 points behind that.
number:
        mov     w0, #0
        mov     w4, #10
7:      ldrb    w2, [x1], #1
        sub     w3, w2, #'0'
        cmp     w3, #9
        b.hi    8f
        madd    w0, w0, w4, w3
        b       7b
8:      ret

        .include "texts.inc"
end:
