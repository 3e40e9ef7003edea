% Golden values for src/evaluation from an independent program: the formulas of the published evaluation, transcribed
% from their description (mean of the other folds, cosine, 20,001 thresholds, mean of all best, strict inequalities).
% Run: octave --no-gui tools/evaluation_golden.m > src/evaluation/metrics/published-folds.golden.json
1;

% Park and Miller's minimal standard generator: exact in doubles, so that any language repeats the same numbers.
function [values, state] = draw(count, state)
  values = zeros(1, count);
  for i = 1:count
    state = mod(16807 * state, 2147483647);
    values(i) = mod(state, 1048576) / 1048576 - 0.5;
  end
end

function accuracy = get_accuracy(scores, flags, threshold)
  accuracy = (length(find(scores(flags == 1) > threshold)) + length(find(scores(flags ~= 1) < threshold))) / length(scores);
end

function best = get_threshold(scores, flags, steps)
  % The brackets make Octave compute a plain matrix; a range divided by a number would be base + i * increment.
  thresholds = [-steps:steps] / steps;
  accuracies = zeros(1, 2 * steps + 1);
  for i = 1:(2 * steps + 1)
    accuracies(i) = get_accuracy(scores, flags, thresholds(i));
  end
  best = mean(thresholds(accuracies == max(accuracies)));
end

% A case: per pair the left identity, the right identity (the same if matched), then noise; embedding = identity + noise.
function [L, R, fold, flags] = make_pairs(seed, folds, each, size, noise, offset)
  state = seed;
  L = zeros(size, folds * 2 * each);
  R = L;
  fold = zeros(1, folds * 2 * each);
  flags = fold;
  p = 0;
  for f = 1:folds
    for kind = [1 0]
      for i = 1:each
        p = p + 1;
        [a, state] = draw(size, state);
        b = a;
        if kind == 0
          [b, state] = draw(size, state);
        end
        [n, state] = draw(size, state);
        L(:, p) = (a + noise * n + offset)';
        [n, state] = draw(size, state);
        R(:, p) = (b + noise * n + offset)';
        fold(p) = f;
        flags(p) = kind;
      end
    end
  end
end

function text = numbers(values)
  text = ['[' strjoin(arrayfun(@(v) sprintf('%.17g', v), values, 'UniformOutput', false), ', ') ']'];
end

function text = run_case(seed, folds, each, size, noise, offset)
  [L, R, fold, flags] = make_pairs(seed, folds, each, size, noise, offset);
  accuracies = zeros(1, folds);
  thresholds = zeros(1, folds);
  plain_accuracies = zeros(1, folds);
  plain_thresholds = zeros(1, folds);
  plain = sum(L .* R) ./ sqrt(sum(L .^ 2) .* sum(R .^ 2));
  for f = 1:folds
    rest = find(fold ~= f);
    held = find(fold == f);
    mu = mean([L(:, rest), R(:, rest)], 2);
    l = L - mu;
    r = R - mu;
    l = l ./ sqrt(sum(l .^ 2));
    r = r ./ sqrt(sum(r .^ 2));
    scores = sum(l .* r);
    thresholds(f) = get_threshold(scores(rest), flags(rest), 10000);
    accuracies(f) = get_accuracy(scores(held), flags(held), thresholds(f));
    plain_thresholds(f) = get_threshold(plain(rest), flags(rest), 10000);
    plain_accuracies(f) = get_accuracy(plain(held), flags(held), plain_thresholds(f));
  end
  text = sprintf(['{"seed": %d, "folds": %d, "each": %d, "size": %d, "noise": %g, "offset": %g,\n' ...
    '  "accuracies": %s,\n  "thresholds": %s,\n  "plainAccuracies": %s,\n  "plainThresholds": %s}'], ...
    seed, folds, each, size, noise, offset, numbers(accuracies), numbers(thresholds), numbers(plain_accuracies), numbers(plain_thresholds));
end

% Scores that sit exactly on thresholds, where strict and loose inequalities differ.
tied_scores = [0.5 0.5 0.25 0.3 0.3 0.1 -0.2 0.1 0.3001 0.2999 1 -1];
tied_flags =  [1   0   1    1   0   0    0   1   0      1      1  0];
tied_threshold = get_threshold(tied_scores, tied_flags, 10000);

printf('{"tied": {"scores": %s, "same": %s, "threshold": %.17g, "accuracy": %.17g},\n', numbers(tied_scores), ...
  numbers(tied_flags), tied_threshold, get_accuracy(tied_scores, tied_flags, tied_threshold));
printf('"cases": [\n%s,\n%s,\n%s\n]}\n', run_case(1, 10, 12, 16, 2, 0), run_case(2, 10, 30, 32, 3, 0.5), run_case(3, 5, 20, 8, 1, 1));
