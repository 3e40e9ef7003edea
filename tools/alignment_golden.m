% Golden values for the alignment: Octave's cp2tform and imtransform (package image) on invented faces.
% Run from the repository's root: octave --no-gui -q tools/alignment_golden.m > src/faces/alignment.golden.json
%
% Matlab's cp2tform(photo, template, 'similarity'), which the published system calls, solves from template to photo and
% inverts. Octave's solves in the direction of its arguments, so Matlab's is the inverse of Octave's with the arguments
% exchanged, and Octave's own direction is the other solver (least squares in the template, "umeyama").
1;
pkg load image
warning("off", "all");

template = [30.2946 51.6963; 65.5318 51.5014; 48.0252 71.7366; 33.5493 92.3655; 62.7299 92.2041];

% Photo landmarks, 1-based: frontal, rotated, in profile, tiny, reaching outside, mirrored.
faces = {
  [107.3 108.1; 148.3 114.7; 127.0 140.7; 102.4 153.4; 140.9 157.6],
  [60 40; 95 75; 62 78; 30 70; 58 100],
  [118.2 109.9; 139.8 110.4; 142.6 131.0; 121.1 152.3; 138.0 151.9],
  [10.1 12.2; 16.3 12.0; 13.2 15.9; 10.9 19.0; 15.8 19.2],
  [5 20; 45 15; 27 41; 12 63; 47 60],
  [148.3 114.7; 107.3 108.1; 127.0 140.7; 140.9 157.6; 102.4 153.4],
};

function m = matrix(T)  % [a b c; d e f] of x' = a x + b y + c, 0-based
  A = T.tdata.T';       % column convention, 1-based
  a = A(1:2, 1:2);
  t = A(1:2, 3) + a * [1; 1] - [1; 1];
  m = [a t];
endfunction

function im = synthetic_photo(width, height)  % the same formula as in the test
  [x, y] = meshgrid(0:width-1, 0:height-1);
  im = zeros(height, width, 3);
  for k = 0:2
    n = 5 * x + 3 * y + 80 * k + floor(x .* y / 16);
    im(:, :, k + 1) = abs(mod(n, 510) - 255);
  endfor
endfunction

function print_list(values, format)
  printf("[");
  printf([format ","], values(1:end-1));
  printf([format "]"], values(end));
endfunction

width = 160; height = 170; step = 4;
photo = synthetic_photo(width, height);
printf('{"photo":{"width":%d,"height":%d},"step":%d,"cases":[\n', width, height, step);
for i = 1:numel(faces)
  points = faces{i};
  to_photo = cp2tform(template, points, "similarity");
  inverse = inv(to_photo.tdata.T);
  inverse(:, 3) = [0; 0; 1];  % exactly, as maketform wants it
  published = maketform("affine", inverse);
  direct = cp2tform(points, template, "nonreflective similarity");
  printf('{"points":'); print_list(reshape(points' - 1, 1, []), "%.10g");
  printf(',"cp2tform":'); print_list(reshape(matrix(published)', 1, []), "%.15g");
  printf(',"umeyama":'); print_list(reshape(matrix(direct)', 1, []), "%.15g");
  crop = imtransform(photo, published, "bilinear", "XData", [1 96], "YData", [1 112], "Size", [112 96]);
  sampled = round(crop(1:step:end, 1:step:end, :));
  printf(',"crop":'); print_list(reshape(permute(sampled, [3 2 1]), 1, []), "%d");
  if i < numel(faces) printf("},\n"); else printf("}\n"); endif
endfor
printf("]}\n");
