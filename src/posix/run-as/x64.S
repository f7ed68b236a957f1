# The step between the daemon's spawn and a program with `user=`: becomes that user, then that program.
#
#     run-as UID GID GROUPS DIRECTORY FILE ARGV0 [ARG ...]
#
# GROUPS is a list of numbers with commas, or empty. DIRECTORY is empty for none, else "=" and the path. The environment
# goes through to the program untouched. A static executable without libc, because the step runs as root while it holds
# the environment of the program: there is no loader and no library here that LD_PRELOAD or GLIBC_TUNABLES could steer.
# When a step fails, standard error gets Supervisor's text and the exit status is 127.
#
#     as --64 -o run-as.o x64.S && objcopy -O binary -j .text run-as.o bin/run-as-x64

        .include "elf.inc"
        elf_header machine=62

        .set    SYS_writev, 20
        .set    SYS_execve, 59
        .set    SYS_chdir, 80
        .set    SYS_setgroups, 116
        .set    SYS_setresuid, 117
        .set    SYS_setresgid, 119
        .set    SYS_exit_group, 231

# The kernel puts argc, then the pointers of argv, a null pointer, and those of envp on the stack.
        .set    UID, 16
        .set    GID, 24
        .set    GROUPS, 32
        .set    DIRECTORY, 40
        .set    FILE, 48
        .set    ARGV0, 56
        .set    LEAST_ARGC, 7

start:
        mov     %rsp, %rbx
        mov     (%rbx), %rax
        cmp     $LEAST_ARGC, %rax
        jb      exit
        lea     16(%rbx,%rax,8), %r12           # envp

# Every group becomes four bytes on the stack; the kernel sorts them.
        mov     GROUPS(%rbx), %rsi
        xor     %edi, %edi
        cmpb    $0, (%rsi)
        je      2f
1:      call    number
        sub     $4, %rsp
        mov     %eax, (%rsp)
        inc     %edi
        test    %ecx, %ecx
        jne     1b
2:      mov     %rsp, %rsi
        mov     $SYS_setgroups, %eax
        syscall
        mov     %rbx, %rsp
        lea     no_groups(%rip), %r15
        test    %eax, %eax
        jnz     cannot_setuid

        mov     GID(%rbx), %rsi
        call    number
        mov     %eax, %edi
        mov     %eax, %esi
        mov     %eax, %edx
        mov     $SYS_setresgid, %eax
        syscall
        lea     no_group(%rip), %r15
        test    %eax, %eax
        jnz     cannot_setuid

        mov     UID(%rbx), %rsi
        call    number
        mov     %eax, %edi
        mov     %eax, %esi
        mov     %eax, %edx
        mov     $SYS_setresuid, %eax
        syscall
        lea     no_user(%rip), %r15
        test    %eax, %eax
        jnz     cannot_setuid

        mov     DIRECTORY(%rbx), %rdi
        cmpb    $0, (%rdi)
        je      3f
        inc     %rdi
        mov     %rdi, %r14
        mov     $SYS_chdir, %eax
        syscall
        lea     chdir_text(%rip), %r13
        test    %eax, %eax
        jnz     because

3:      mov     FILE(%rbx), %rdi
        lea     ARGV0(%rbx), %rsi
        mov     %r12, %rdx
        mov     $SYS_execve, %eax
        syscall
        lea     exec_text(%rip), %r13
        mov     ARGV0(%rbx), %r14

# r13 tells what could not be done, r14 with what, eax is the negative errno.
because:
        neg     %eax
        cmp     $ERRNO_COUNT, %eax
        jb      4f
        xor     %eax, %eax
4:      shl     $4, %eax
        lea     errno_names(%rip), %r15
        add     %rax, %r15
        jmp     report

cannot_setuid:
        lea     setuid_text(%rip), %r13
        mov     UID(%rbx), %r14

# Writes r13, r14, ": ", r15 and the last line in one call: the stack grows downwards, so the last piece comes first.
report:
        lea     tail(%rip), %rsi
        call    piece
        mov     %r15, %rsi
        call    piece
        lea     colon(%rip), %rsi
        call    piece
        mov     %r14, %rsi
        call    piece
        mov     %r13, %rsi
        call    piece
        mov     $2, %edi
        mov     %rsp, %rsi
        mov     $5, %edx
        mov     $SYS_writev, %eax
        syscall
exit:   mov     $127, %edi
        mov     $SYS_exit_group, %eax
        syscall

# Pushes the struct iovec of the text at rsi.
piece:
        pop     %rdx
        xor     %eax, %eax
5:      cmpb    $0, (%rsi,%rax)
        je      6f
        inc     %rax
        jmp     5b
6:      push    %rax
        push    %rsi
        jmp     *%rdx

# Reads the decimal number at rsi into eax. ecx is the character behind it, rsi points behind that.
number:
        xor     %eax, %eax
7:      movzbl  (%rsi), %ecx
        inc     %rsi
        lea     -'0'(%rcx), %edx
        cmp     $9, %edx
        ja      8f
        lea     (%rax,%rax,4), %eax
        lea     (%rdx,%rax,2), %eax
        jmp     7b
8:      ret

        .include "texts.inc"
end:
