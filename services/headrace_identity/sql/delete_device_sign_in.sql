-- A program has got its answer.
delete from device_sign_in
 where user_code = $1
