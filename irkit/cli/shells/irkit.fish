# Completes irkit's command lines in fish; made by irkit completion fish.

@TABLE@

function __irkit_names
    __irkit_shipped $argv[1]
    set -l home ~/.irkit
    test -n "$IRKIT_HOME"; and set home $IRKIT_HOME
    for file in $home/$__irkit_top/*.yaml $home/$__irkit_top/*/*.yaml
        string replace -r '.*/(.*)\.yaml$' '$1' -- $file
    end
end

function __irkit
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l command ''
    set -l taken ''
    set -l at 1
    __irkit_about ''
    for word in $tokens[2..-1]
        if test -n "$taken"
            set taken ''
        else if test "$command$word" = help
            continue
        else if string match -q -- '-*' $word
            set taken (__irkit_value "$command $word")
        else if contains -- $word $__irkit_subs
            set command (string trim -- "$command $word")
            __irkit_about $command
        else
            set at (math $at + 1)
        end
    end
    set -l kind text
    if test -n "$taken"
        set kind $taken
    else if string match -q -- '-*' $current
        printf '%s\n' $__irkit_options
        return
    else if test -n "$__irkit_subs"
        printf '%s\n' $__irkit_subs
        return
    else if test $at -le (count $__irkit_places)
        set kind $__irkit_places[$at]
    else if test (count $__irkit_places) -gt 0; and test $__irkit_places[-1] = files
        set kind files
    end
    switch $kind
        case text
        case files
            __fish_complete_path $current
        case '=*'
            string split ',' -- (string sub -s 2 -- $kind)
        case collections
            __irkit_names $kind
            __fish_complete_path $current
        case '*'
            __irkit_names $kind
            __fish_complete_suffix --complete=$current .yaml
    end
end

complete -c irkit -f -a '(__irkit)'
